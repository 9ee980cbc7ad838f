using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// Sums over an account's tabs, so that the cost of a command hardly depends on the number of instances. Sums that do not depend on the
/// time are updated with every change; <see cref="MeteredSums"/> has the others.
/// </summary>
/// <remarks>
/// The two earliest moments are lower bounds: a removed tab may leave its moment behind, which only costs an early check.
/// </remarks>
internal sealed class AccountSums
{
    private readonly Dictionary<InstanceId, InstanceTab> _metered = [];
    private readonly MeteredSums _meters = new();
    private MicroEuro _launchHolds;
    private DateTimeOffset? _firstLapse;
    private DateTimeOffset? _firstUnsettled;

    public AccountSums(IEnumerable<InstanceTab> tabs)
    {
        foreach (var tab in tabs)
        {
            Change(null, tab);
        }
    }

    public IReadOnlyCollection<InstanceTab> Metered => _metered.Values;

    /// <summary>Σ of the prices of all metered runs.</summary>
    public MicroEuro BurnPerHour { get; private set; }

    /// <summary>Running cost that is not in the ledger yet.</summary>
    public MicroEuro Accrued(DateTimeOffset now) => _meters.At(now).Accrued;

    /// <summary>Reserved money: the whole holds of launches, and the unused part of the holds of running meters.</summary>
    public MicroEuro Holds(DateTimeOffset now) => _launchHolds + _meters.At(now).HoldsLeft;

    /// <summary>The next moment at which a hold lapses or a settlement is due; may be too early, never too late.</summary>
    public DateTimeOffset? NextAct(TimeSpan settleEvery) => Earliest(_firstLapse, _firstUnsettled + settleEvery);

    /// <summary>Whether a hold may have lapsed; true may be too early, false is certain.</summary>
    public bool MayHaveLapsed(DateTimeOffset now) => _firstLapse <= now;

    /// <summary>Whether a settlement may be due; true may be too early, false is certain.</summary>
    public bool MayBeUnsettled(DateTimeOffset now, TimeSpan settleEvery) => _firstUnsettled + settleEvery <= now;

    /// <summary>Updates the sums for a tab that was added (before is null), changed or removed (after is null).</summary>
    public void Change(InstanceTab? before, InstanceTab? after)
    {
        if (before is not null)
        {
            Subtract(before);
        }

        if (after is not null)
        {
            Add(after);
        }
    }

    public void RecomputeEarliest(IEnumerable<InstanceTab> tabs)
    {
        (_firstLapse, _firstUnsettled) = (null, null);
        foreach (var tab in tabs)
        {
            UpdateEarliest(tab);
        }
    }

    /// <summary>The tab's running cost that is not in the ledger yet.</summary>
    public static MicroEuro Unbilled(InstanceTab tab, DateTimeOffset now) =>
        tab.MeterSince is { } since
            ? Usage.Cost(tab.PricePerHour, Math.Max(tab.BilledSeconds, Usage.Seconds(since, now)))
                - Usage.Cost(tab.PricePerHour, tab.BilledSeconds)
            : MicroEuro.Zero;

    private static bool IsMetered(InstanceTab tab) => tab is { MeterSince: not null, Closed: false };

    private static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) =>
        a is null ? b
        : b is null || a < b ? a
        : b;

    private void Subtract(InstanceTab tab)
    {
        if (!IsMetered(tab))
        {
            _launchHolds -= tab.Hold;
            return;
        }

        _metered.Remove(tab.Instance);
        BurnPerHour -= tab.PricePerHour;
        _meters.Remove(tab);
    }

    private void Add(InstanceTab tab)
    {
        UpdateEarliest(tab);
        if (!IsMetered(tab))
        {
            _launchHolds += tab.Hold;
            return;
        }

        _metered.Add(tab.Instance, tab);
        BurnPerHour += tab.PricePerHour;
        _meters.Add(tab);
    }

    private void UpdateEarliest(InstanceTab tab)
    {
        if (IsMetered(tab))
        {
            _firstUnsettled = Earliest(_firstUnsettled, tab.MeterSince + TimeSpan.FromSeconds(tab.BilledSeconds));
        }
        else
        {
            _firstLapse = Earliest(_firstLapse, tab.HoldLapsesAt);
        }
    }
}
