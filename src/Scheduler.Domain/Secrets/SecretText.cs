namespace Scheduler.Domain.Secrets;

/// <summary>A secret in the form that is readable. Only memory and encrypted connections hold it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.SecretText")]
public sealed record SecretText([property: Id(0)] string Value)
{
    /// <summary>Shows nothing of the text (INV-13): a late call is logged with its arguments.</summary>
    public override string ToString() => "***";
}
