namespace Scheduler.Domain.Billing;

/// <summary>
/// Requests that reached the runtime of an instance, and tokens as the runtime counted them. No money: that is billed by seconds.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServedUsage")]
public sealed record ServedUsage(
    [property: Id(0)] long Requests,
    [property: Id(1)] long PromptTokens,
    [property: Id(2)] long CompletionTokens
)
{
    public static readonly ServedUsage None = new(0, 0, 0);

    /// <exception cref="OverflowException">A sum does not fit 64 bits.</exception>
    public static ServedUsage operator +(ServedUsage one, ServedUsage other) =>
        checked(
            new ServedUsage(
                one.Requests + other.Requests,
                one.PromptTokens + other.PromptTokens,
                one.CompletionTokens + other.CompletionTokens
            )
        );

    public static ServedUsage Add(ServedUsage left, ServedUsage right) => left + right;
}
