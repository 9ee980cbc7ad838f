using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Storage;

/// <summary>Sums over what is stored, of all or of one account. The rows are read, so the sums are as true as the store.</summary>
public interface IFleetTotals
{
    /// <summary>Reads them. Costs a walk over the tabs of the account, or of all accounts; ask rarely.</summary>
    /// <param name="account">Whose; null for all.</param>
    /// <param name="now">The present.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<FleetTotals> ReadAsync(AccountId? account, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>What the store's own machine takes the time for; null where that is this machine.</summary>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<DateTimeOffset?> TimeAsync(CancellationToken cancellationToken);
}

/// <summary>The sums of one moment.</summary>
public sealed record FleetTotals
{
    /// <summary>Instances by state, without the deleted.</summary>
    public ImmutableSortedDictionary<InstanceState, long> Instances { get; init; } =
        ImmutableSortedDictionary<InstanceState, long>.Empty;

    /// <summary>Σ of the price snapshots of what is metered.</summary>
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>Σ of the holds of launches under way; what running meters have left of theirs is not in it.</summary>
    public MicroEuro Held { get; init; }

    /// <summary>Instances that are stopping, or failed with something still owed.</summary>
    public long Debtors { get; init; }

    /// <summary>When the longest of those was last written; null without one.</summary>
    public DateTimeOffset? OldestDebt { get; init; }

    /// <summary>Wake-ups whose time has come; of an account, those of its instances.</summary>
    public long AgendaDue { get; init; }

    /// <summary>The earliest of those; null without one.</summary>
    public DateTimeOffset? OldestDue { get; init; }
}
