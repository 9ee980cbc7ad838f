using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// What the world tells an instance: answers to its own effects, and news. Each names the allocation key or run it is about, so
/// what is late, doubled or lost does no harm.
/// </summary>
[Alias("scheduler.IInstanceInbox")]
[GrainInterfaceType("scheduler.instance.inbox")]
internal interface IInstanceInbox : IGrainWithStringKey
{
    /// <summary>The provider answered an allocation request.</summary>
    [Alias("AllocationAnswered")]
    Task AllocationAnsweredAsync(AllocationKey key, AllocateOutcome outcome, TimeSpan took);

    /// <summary>An allocation was seen in this shape.</summary>
    [Alias("Observed")]
    Task ObservedAsync(Allocation allocation);

    /// <summary>The provider holds nothing under the key any more, though nobody released it.</summary>
    [Alias("Vanished")]
    Task VanishedAsync(AllocationKey key);

    /// <summary>Debts were confirmed.</summary>
    [Alias("DebtsPaid")]
    Task DebtsPaidAsync(ImmutableArray<Debt> paid);

    /// <summary>The account's money ran out during a run.</summary>
    [Alias("BalanceExhausted")]
    Task BalanceExhaustedAsync(int run, MicroEuro balance);

    /// <summary>Whether the instance means to use the allocation under a key (or is still releasing it itself).</summary>
    [Alias("Owns"), AlwaysInterleave]
    Task<bool> OwnsAsync(AllocationKey key);
}
