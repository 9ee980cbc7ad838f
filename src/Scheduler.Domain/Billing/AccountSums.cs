using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// Sums over an account's tabs, kept so that a command costs the same however many instances the account has. What does not depend on the
/// time is carried along with every change; what does is summed once per moment, and every command of one write shares one moment.
/// </summary>
/// <remarks>The two earliest moments are lower bounds: a tab that is gone may leave one behind, which costs an early look and no more.</remarks>
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

    /// <summary>Tabs of runs that are metered now.</summary>
    public IReadOnlyCollection<InstanceTab> Metered => _metered.Values;

    /// <summary>Σ of the prices of what is metered.</summary>
    public MicroEuro BurnPerHour { get; private set; }

    /// <summary>Running cost that is not in the ledger yet.</summary>
    public MicroEuro Accrued(DateTimeOffset now) => At(now).Accrued;

    /// <summary>Money put aside: whole holds of launches, and what running meters have left of theirs.</summary>
    public MicroEuro Holds(DateTimeOffset now) => _launchHolds + At(now).HoldsLeft;

    /// <summary>The next moment at which a hold lapses or a meter is due for settlement, or earlier.</summary>
    public DateTimeOffset? NextAct(TimeSpan settleEvery) => Earliest(_firstLapse, _firstUnsettled + settleEvery);

    /// <summary>A tab came, changed or went.</summary>
    public void Change(InstanceTab? before, InstanceTab? after)
    {
        if (before is not null)
        {
            Take(before);
        }

        if (after is not null)
        {
            Add(after);
        }
    }

    /// <summary>Finds the earliest moments anew.</summary>
    public void LookAgain(IEnumerable<InstanceTab> tabs)
    {
        (_firstLapse, _firstUnsettled) = (null, null);
        foreach (var tab in tabs)
        {
            Notice(tab);
        }
    }

    /// <summary>What a tab adds to the running cost that is not in the ledger yet.</summary>
    public static MicroEuro Unbilled(InstanceTab tab, DateTimeOffset now) =>
        tab.MeterSince is { } since
            ? Usage.Cost(tab.PricePerHour, Math.Max(tab.BilledSeconds, Usage.Seconds(since, now)))
                - Usage.Cost(tab.PricePerHour, tab.BilledSeconds)
            : MicroEuro.Zero;

    /// <summary>What a tab has left of its hold: all of it before the run, then less what the run has cost.</summary>
    public static MicroEuro HoldLeft(InstanceTab tab, DateTimeOffset now) =>
        tab.MeterSince is { } since
            ? MicroEuro.Max(MicroEuro.Zero, tab.Hold - Usage.Cost(tab.PricePerHour, Usage.Seconds(since, now)))
            : tab.Hold;

    private static bool IsMetered(InstanceTab tab) => tab is { MeterSince: not null, Closed: false };

    private static DateTimeOffset? Earliest(DateTimeOffset? a, DateTimeOffset? b) =>
        a is null ? b
        : b is null || a < b ? a
        : b;

    private void Take(InstanceTab tab)
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
            _moment = (at, accrued - Unbilled(tab, at), left - HoldLeft(tab, at));
        }
    }

    private void Add(InstanceTab tab)
    {
        Notice(tab);
        if (!IsMetered(tab))
        {
            _launchHolds += tab.Hold;
            return;
        }

        _metered.Add(tab.Instance, tab);
        BurnPerHour += tab.PricePerHour;
        if (_moment is var (at, accrued, left))
        {
            _moment = (at, accrued + Unbilled(tab, at), left + HoldLeft(tab, at));
        }
    }

    private void Notice(InstanceTab tab)
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
                left += HoldLeft(tab, now);
            }

            _moment = (now, accrued, left);
        }

        return (accrued, left);
    }
}
