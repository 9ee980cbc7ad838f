using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Messages to an instance: results of its own work, and reports about its allocation. Each contains the allocation key or run that it
/// concerns, so that late, repeated and lost messages do no harm.
/// </summary>
[Alias("scheduler.IInstanceInbox")]
[GrainInterfaceType("scheduler.instance.inbox")]
internal interface IInstanceInbox : IGrainWithStringKey
{
    /// <summary>The provider answered the allocation request.</summary>
    [Alias("AllocationAnswered")]
    Task AllocationAnsweredAsync(AllocationKey key, AllocateOutcome outcome, TimeSpan took);

    /// <summary>The provider reported the status of an allocation.</summary>
    [Alias("Observed")]
    Task ObservedAsync(Allocation allocation);

    /// <summary>The provider holds nothing under the key any more, although it was not released.</summary>
    [Alias("Vanished")]
    Task VanishedAsync(AllocationKey key);

    /// <summary>Offers that a waiting launch may use appeared.</summary>
    /// <param name="published">Version of the provider's data that has them.</param>
    [Alias("CapacityAppeared")]
    Task<CapacityAnswer> CapacityAppearedAsync(ProviderId provider, SnapshotVersion published);

    /// <summary>Provider or account confirmed these steps.</summary>
    [Alias("DebtsPaid")]
    Task CleanupConfirmedAsync(ImmutableArray<PendingCleanup> confirmed);

    /// <summary>The balance of the account is used up.</summary>
    [Alias("BalanceExhausted")]
    Task BalanceExhaustedAsync(int run, MicroEuro balance);

    /// <summary>
    /// Whether the instance recorded a run. After the answer "no", no launch in progress can record it: the hold of the run may be freed.
    /// </summary>
    [Alias("HasRecorded")]
    Task<bool> HasRecordedAsync(int run);

    /// <summary>Whether the instance uses the allocation under a key or is still releasing it itself.</summary>
    [Alias("Owns"), AlwaysInterleave]
    Task<bool> OwnsAsync(AllocationKey key);
}
