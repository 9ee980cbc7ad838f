namespace Scheduler.Domain.Billing;

/// <summary>What an instance served: requests that reached its runtime, and tokens as the runtime counted them. Not money: that is seconds.</summary>
/// <param name="Requests">Requests.</param>
/// <param name="PromptTokens">Tokens in.</param>
/// <param name="CompletionTokens">Tokens out.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServedUsage")]
public sealed record ServedUsage(
    [property: Id(0)] long Requests,
    [property: Id(1)] long PromptTokens,
    [property: Id(2)] long CompletionTokens
)
{
    /// <summary>Nothing.</summary>
    public static readonly ServedUsage None = new(0, 0, 0);

    /// <summary>Both together.</summary>
    /// <exception cref="OverflowException">A sum does not fit 64 bits.</exception>
    public static ServedUsage operator +(ServedUsage one, ServedUsage other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        return checked(
            new ServedUsage(
                one.Requests + other.Requests,
                one.PromptTokens + other.PromptTokens,
                one.CompletionTokens + other.CompletionTokens
            )
        );
    }

    /// <summary>Both together.</summary>
    public static ServedUsage Add(ServedUsage left, ServedUsage right) => left + right;
}
