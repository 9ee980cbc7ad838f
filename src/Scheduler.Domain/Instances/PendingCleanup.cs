using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>
/// One step that a finished run still needs: the release of its capacity at the provider, or its settlement at the account. The step is
/// repeated until the other side confirms it. Serialized as <c>scheduler.Debt</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.Debt")]
public sealed record PendingCleanup
{
    [Id(0)]
    public CleanupKind Kind { get; init; }

    /// <summary>The provider that must confirm the release; empty for a settlement.</summary>
    [Id(1)]
    public ProviderId Provider { get; init; } = new("");

    /// <summary>The key to release; empty for a settlement.</summary>
    [Id(2)]
    public AllocationKey Key { get; init; } = new("");

    /// <summary>The run to settle; 0 for a release.</summary>
    [Id(3)]
    public int Run { get; init; }

    /// <summary>Start of <c>running</c> in that run; null when it never ran (only its hold is returned).</summary>
    [Id(4)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in that run; null when it never ran.</summary>
    [Id(5)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Price snapshot of that run.</summary>
    [Id(6)]
    public MicroEuro PricePerHour { get; init; }

    /// <summary>When the cleanup became necessary.</summary>
    [Id(7)]
    public DateTimeOffset Since { get; init; }

    /// <summary>The command that settles the run; only for <see cref="CleanupKind.Settle"/>.</summary>
    public CloseRun ToCloseRun(InstanceRecord record) =>
        new CloseRun(record.Id, Run, RunningSince, RunningUntil, PricePerHour, record.RequestId);
}

public enum CleanupKind
{
    /// <summary>The provider must confirm that it holds nothing under the key.</summary>
    Release = 1,

    /// <summary>The account must bill the run to its end and return its hold.</summary>
    Settle = 2,
}
