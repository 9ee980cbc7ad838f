using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The sums over an account's running meters that depend on the time. The cost of a run changes only when it completes a
/// second. Meters are kept by the part of a second in which that happens. A later moment computes only the parts in between.
/// </summary>
internal sealed class MeteredSums
{
    /// <summary>Parts of a second. With 100 moments a second, each computes one or two parts.</summary>
    private const int Parts = 64;

    private const long TicksPerPart = TimeSpan.TicksPerSecond / Parts;

    private readonly Dictionary<InstanceId, Meter> _meters = [];
    private readonly HashSet<Meter>[] _parts = [.. Enumerable.Range(0, Parts).Select(_ => new HashSet<Meter>())];
    private DateTimeOffset _at = DateTimeOffset.MinValue;
    private MicroEuro _accrued;
    private MicroEuro _holdsLeft;

    public void Add(InstanceTab tab)
    {
        var meter = new Meter(tab);
        _meters.Add(tab.Instance, meter);
        PartOf(tab).Add(meter);
        Compute(meter);
    }

    public void Remove(InstanceTab tab)
    {
        if (_meters.Remove(tab.Instance, out var meter))
        {
            PartOf(tab).Remove(meter);
            _accrued -= meter.Accrued;
            _holdsLeft -= meter.HoldLeft;
        }
    }

    /// <summary>Running cost that is not in the ledger yet, and the unused part of the holds of running meters.</summary>
    public (MicroEuro Accrued, MicroEuro HoldsLeft) At(DateTimeOffset now)
    {
        if (now != _at)
        {
            var (first, last) = (Number(_at), Number(now));
            _at = now;
            if (last < first || last - first >= Parts)
            {
                Compute(_meters.Values);
            }
            else
            {
                // The first part as well: the previous moment may have been before its end.
                for (var number = first; number <= last; number++)
                {
                    Compute(_parts[number % Parts]);
                }
            }
        }

        return (_accrued, _holdsLeft);
    }

    private static long Number(DateTimeOffset moment) => moment.UtcTicks / TicksPerPart;

    private HashSet<Meter> PartOf(InstanceTab tab) => _parts[Number(tab.MeterSince!.Value) % Parts];

    private void Compute(IEnumerable<Meter> meters)
    {
        foreach (var meter in meters)
        {
            Compute(meter);
        }
    }

    private void Compute(Meter meter)
    {
        var (accrued, holdLeft) = (AccountSums.Unbilled(meter.Tab, _at), meter.Tab.HoldLeft(_at));
        _accrued += accrued - meter.Accrued;
        _holdsLeft += holdLeft - meter.HoldLeft;
        (meter.Accrued, meter.HoldLeft) = (accrued, holdLeft);
    }

    /// <summary>A running meter, and what it adds to the sums at their moment.</summary>
    private sealed class Meter(InstanceTab tab)
    {
        public InstanceTab Tab => tab;

        public MicroEuro Accrued { get; set; }

        public MicroEuro HoldLeft { get; set; }
    }
}
