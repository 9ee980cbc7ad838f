using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// Sums over an account's tabs, so that the cost of a command does not depend on the number of instances. Sums that do not depend on the
/// time are updated with every change. The others are computed once per moment, and all commands of one write share one moment.
/// </summary>
/// <remarks>
/// The two earliest moments are lower bounds: a removed tab may leave its moment behind, which only costs an early check.
/// </remarks>
internal sealed class AccountSums
{
    private readonly Dictionary<InstanceId, InstanceTab> _metered = [];
    private MicroEuro _launchHolds;
    private DateTimeOffset? _firstLapse;
    private DateTimeOffset? _firstUnsettled;
    private (DateTimeOffset At, MicroEuro Accrued, MicroEuro HoldsLeft)? _moment;

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
    public MicroEuro Accrued(DateTimeOffset now) => At(now).Accrued;

    /// <summary>Reserved money: the whole holds of launches, and the unused part of the holds of running meters.</summary>
    public MicroEuro Holds(DateTimeOffset now) => _launchHolds + At(now).HoldsLeft;

    /// <summary>The next moment at which a hold lapses or a settlement is due; may be too early, never too late.</summary>
    public DateTimeOffset? NextAct(TimeSpan settleEvery) => Earliest(_firstLapse, _firstUnsettled + settleEvery);

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
        if (_moment is var (at, accrued, left))
        {
            _moment = (at, accrued - Unbilled(tab, at), left - tab.HoldLeft(at));
        }
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
        if (_moment is var (at, accrued, left))
        {
            _moment = (at, accrued + Unbilled(tab, at), left + tab.HoldLeft(at));
        }
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

    private (MicroEuro Accrued, MicroEuro HoldsLeft) At(DateTimeOffset now)
    {
        if (_moment is not var (at, accrued, left) || at != now)
        {
            (accrued, left) = (MicroEuro.Zero, MicroEuro.Zero);
            foreach (var tab in _metered.Values)
            {
                accrued += Unbilled(tab, now);
                left += tab.HoldLeft(now);
            }

            _moment = (now, accrued, left);
        }

        return (accrued, left);
    }
}
