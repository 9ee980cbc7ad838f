using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Offers of one provider that appeared and that no waiting instance has taken or refused yet, and which waiting instance was asked last.
/// Not thread-safe.
/// </summary>
internal sealed class CapacityGains
{
    /// <summary>Most rounds for one gain. An instance that could not be asked in any of them is asked at the next gain.</summary>
    private const int MostRounds = 5;

    /// <summary>Longer than the checks of a launch and the write after them.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, Offer> _offers = new(StringComparer.Ordinal);
    private OfferSnapshot? _snapshot;
    private (DateTimeOffset Since, string Id)? _asked;
    private DateTimeOffset _addedAt;
    private bool _isRepeated;
    private int _rounds;

    /// <summary>Changes when offers are added.</summary>
    public int Edition { get; private set; }

    public bool IsEmpty => _offers.Count == 0;

    /// <summary>Adds offers that appeared. Every waiting instance is asked again.</summary>
    public void Add(ImmutableArray<Offer> gained, DateTimeOffset now)
    {
        if (gained.IsEmpty)
        {
            return;
        }

        foreach (var offer in gained)
        {
            var before = _offers.TryGetValue(offer.OfferId, out var old) ? old.Available : 0;
            _offers[offer.OfferId] = offer with
            {
                Available = (int)Math.Min(int.MaxValue, (long)before + offer.Available),
            };
        }

        (_snapshot, _asked, _isRepeated, _rounds) = (null, null, false, 0);
        (_addedAt, Edition) = (now, Edition + 1);
    }

    /// <summary>Removes offers that the latest listing no longer has, and reduces the others to the number that it has.</summary>
    public void KeepOnly(ImmutableArray<Offer> listed)
    {
        var now = listed
            .GroupBy(offer => offer.OfferId, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
        foreach (var (id, offer) in _offers.ToList())
        {
            if (!now.TryGetValue(id, out var left) || left.Available == 0)
            {
                _offers.Remove(id);
            }
            else if (left.Available < offer.Available)
            {
                _offers[id] = left;
            }
        }

        _snapshot = null;
    }

    /// <summary>Whether any of the offers meets the constraints. The instance itself checks whether the model fits.</summary>
    public bool MayServe(SmartConstraints constraints)
    {
        _snapshot ??= OfferSnapshot.Build(_offers.Values, epoch: 1);
        var request = new PlacementRequest { Constraints = constraints };
        return PlacementSolver.CheapestWithin(_snapshot, request, new MicroEuro(long.MaxValue)) is not null;
    }

    /// <summary>Whether an instance is behind the latest one asked, in the order of waiting.</summary>
    public bool IsNext(InstanceRecord waiting) => _asked is not { } asked || PlaceOf(waiting).CompareTo(asked) > 0;

    public void Ask(InstanceRecord waiting) => _asked = PlaceOf(waiting);

    /// <summary>The instance could not be asked, or not yet: it is asked again in the next round.</summary>
    public void Repeat() => _isRepeated = true;

    /// <summary>One machine of an offer is taken. An offer of another provider changes nothing.</summary>
    public void Take(Offer taken)
    {
        if (!_offers.TryGetValue(taken.OfferId, out var left) || left.Provider != taken.Provider)
        {
            return;
        }

        if (left.Available > 1)
        {
            _offers[taken.OfferId] = left with { Available = left.Available - 1 };
        }
        else
        {
            _offers.Remove(taken.OfferId);
            _snapshot = null;
        }
    }

    /// <summary>
    /// Ends a round in which all waiting instances were asked. Offers that are left are dropped, because later launches see them anyway. They
    /// are kept for the first 10 s: a launch whose checks saw the earlier offers may record its wait after the instances were listed.
    /// </summary>
    /// <param name="edition">The edition that they were asked about.</param>
    public void EndRound(int edition, DateTimeOffset now)
    {
        if (edition != Edition)
        {
            return;
        }

        if (_isRepeated && ++_rounds < MostRounds)
        {
            (_asked, _isRepeated) = (null, false);
        }
        else if (now - _addedAt >= KeptFor)
        {
            _offers.Clear();
            _snapshot = null;
        }
    }

    /// <summary>Orders waiting instances: the one that waits longest comes first.</summary>
    public static (DateTimeOffset Since, string Id) PlaceOf(InstanceRecord waiting) =>
        (waiting.Wait?.Since ?? waiting.StateSince, waiting.Id.Value);
}
