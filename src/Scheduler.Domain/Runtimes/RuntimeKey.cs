namespace Scheduler.Domain.Runtimes;

/// <summary>
/// Secret of one allocation that only the scheduler and its runtime know. The runtime refuses requests without it.
/// </summary>
/// <param name="Value">At least 256 random bits as text; never logged, listed or stored in clear.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeKey")]
public readonly record struct RuntimeKey([property: Id(0)] string Value)
{
    /// <summary>A mask, so that no log or message shows the key.</summary>
    public override string ToString() => "***";
}
