using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Storage;

/// <summary>Sums over the stored rows, of all accounts or of one.</summary>
public interface IFleetTotals
{
    /// <summary>Reads the sums. Scans all billing tabs of the account, or of all accounts; call it rarely.</summary>
    /// <param name="account">Restricts the sums to one account; null for all.</param>
    /// <param name="now">Decides which wake-ups are due, and what is left of the holds of metered runs.</param>
    Task<FleetTotals> ReadAsync(AccountId? account, DateTimeOffset now, CancellationToken cancellationToken);
}

public sealed record FleetTotals
{
    /// <summary>Number of instances by state, without deleted ones.</summary>
    public ImmutableSortedDictionary<InstanceState, long> Instances { get; init; } =
        ImmutableSortedDictionary<InstanceState, long>.Empty;

    /// <summary>Sum of the price snapshots of all metered runs.</summary>
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>Sum of the holds of all accounts: of launches, and what is left of those of metered runs.</summary>
    public MicroEuro Held { get; init; }

    /// <summary>Instances that are stopping, or failed with a release or settlement unconfirmed.</summary>
    public long Debtors { get; init; }

    /// <summary>Earliest last-write time among instances with pending cleanup; null without one.</summary>
    public DateTimeOffset? OldestDebt { get; init; }

    /// <summary>Number of due wake-ups; for one account, those of its instances.</summary>
    public long AgendaDue { get; init; }

    /// <summary>Earliest due wake-up; null without one.</summary>
    public DateTimeOffset? OldestDue { get; init; }
}
