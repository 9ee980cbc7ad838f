using System.Buffers;
using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement.Constraints;

namespace Scheduler.Domain.Placement;

/// <summary>
/// One request evaluated over one snapshot: the rows that each constraint refuses, the counts per stage, and the rows
/// that remain. It holds rented memory; dispose it at the end of the decision.
/// </summary>
internal sealed class FunnelPass : IDisposable
{
    private static readonly ImmutableArray<Constraint> Constraints = PlacementSolver.Funnel;

    private readonly ulong[] _rented;
    private readonly BitPlane[] _refused;
    private readonly BitPlane _alive;
    private readonly Constraint[] _asked;
    private readonly int[] _removed;
    private readonly int[] _removedAlone;

    private FunnelPass(OfferSnapshot snapshot, PlacementRequest request)
    {
        Snapshot = snapshot;
        Request = request;
        var words = snapshot.Words;
        var asked = 0;
        foreach (var constraint in Constraints)
        {
            asked += constraint.Asks(request) ? 1 : 0;
        }

        _rented = ArrayPool<ulong>.Shared.Rent((asked + 1) * words);
        _asked = new Constraint[asked];
        _refused = new BitPlane[asked];
        _removed = new int[asked];
        _removedAlone = new int[asked];
        _alive = new BitPlane(_rented, asked * words, words);
        var next = 0;
        foreach (var constraint in Constraints)
        {
            if (constraint.Asks(request))
            {
                var scratch = new BitPlane(_rented, next * words, words);
                _asked[next] = constraint;
                _refused[next] = constraint.Refused(snapshot, request, scratch);
                next++;
            }
        }
    }

    public OfferSnapshot Snapshot { get; }

    public PlacementRequest Request { get; }

    /// <summary>Constraints that the request uses, in the funnel's order.</summary>
    public ReadOnlySpan<Constraint> Asked => _asked;

    /// <summary>The rows that each constraint refuses; same indexes as <see cref="Asked"/>.</summary>
    public ReadOnlySpan<BitPlane> Refused => _refused;

    /// <summary>The number of rows that each constraint alone refuses; same indexes as <see cref="Asked"/>.</summary>
    public ReadOnlySpan<int> RemovedAlone => _removedAlone;

    public int Matches { get; private set; }

    public static FunnelPass Run(OfferSnapshot snapshot, PlacementRequest request)
    {
        var pass = new FunnelPass(snapshot, request);
        BitPlane.SetFirst(pass._alive.Span, snapshot.Count);
        FunnelCounter.Count(pass._refused, pass._alive.Span, pass._removed, pass._removedAlone);
        pass.Matches = snapshot.Count;
        foreach (var removed in pass._removed)
        {
            pass.Matches -= removed;
        }

        return pass;
    }

    public bool IsMatch(int row) => BitPlane.Has(_alive.Span, row);

    public Funnel ToFunnel()
    {
        var stages = new FunnelStage[Constraints.Length];
        var asked = 0;
        for (var i = 0; i < stages.Length; i++)
        {
            var constraint = Constraints[i];
            if (asked < _asked.Length && ReferenceEquals(_asked[asked], constraint))
            {
                stages[i] = new FunnelStage(constraint.Name, true, _removed[asked], _removedAlone[asked]);
                asked++;
            }
            else
            {
                stages[i] = new FunnelStage(constraint.Name, false, 0, 0);
            }
        }

        return new Funnel(Snapshot.Count, ImmutableCollectionsMarshal.AsImmutableArray(stages), Matches);
    }

    /// <summary>The best matching rows as offers. Requires <see cref="Matches"/> > 0.</summary>
    public ImmutableArray<RankedOffer> Rank(int top, out OptimalityCertificate certificate)
    {
        var order = new RankOrder(Snapshot, Request);
        var (first, last) = Best(_alive.Span, Math.Min(top, Matches), order);
        var offers = ImmutableArray.CreateBuilder<RankedOffer>(Math.Min(top, Matches));
        var previous = -1;
        foreach (var row in (ReadOnlySpan<int>)[.. first.Rows, .. last.Rows])
        {
            if (offers.Count == offers.Capacity)
            {
                break;
            }

            var criterion = RankCriterion.Only;
            if (previous >= 0)
            {
                criterion = Difference(order, previous, row);
                // The first offer has no predecessor, so it gets the criterion that puts it ahead of the second.
                offers[0] = offers.Count == 1 ? offers[0] with { Criterion = criterion } : offers[0];
            }

            offers.Add(new RankedOffer(offers.Count + 1, Snapshot.Columns.At(row), criterion, order.RanksLast(row)));
            previous = row;
        }

        certificate = Certify(offers[0]);
        return offers.DrainToImmutable();
    }

    /// <summary>The best rows of a plane, separated into routes that rank normally and routes that rank last.</summary>
    public static (TopRows First, TopRows Last) Best(ReadOnlySpan<ulong> rows, int top, RankOrder order)
    {
        var first = new TopRows(top, order);
        var last = new TopRows(top, order);
        for (var word = 0; word < rows.Length; word++)
        {
            for (var bits = rows[word]; bits != 0; bits &= bits - 1)
            {
                var row = (word * BitPlane.RowsPerWord) + BitOperations.TrailingZeroCount(bits);
                if (first.IsFull && order.CostsMore(row, first.Worst))
                {
                    return (first, last);
                }

                (order.RanksLast(row) ? last : first).Offer(row);
            }
        }

        return (first, last);
    }

    public void Dispose() => ArrayPool<ulong>.Shared.Return(_rented);

    private static RankCriterion Difference(RankOrder order, int better, int worse)
    {
        if (order.RanksLast(better) != order.RanksLast(worse))
        {
            return RankCriterion.Route;
        }

        order.Compare(better, worse, out var criterion);
        return criterion;
    }

    private OptimalityCertificate Certify(RankedOffer chosen)
    {
        var price = chosen.Offer.PricePerHour;
        var cheaper = BitPlane.CountFirst(_alive.Span, Snapshot.Columns.CountBelow(price.Value));
        var bound = Snapshot.Columns.Prices[BitPlane.First(_alive.Span)];
        return new OptimalityCertificate(price, new MicroEuro(bound), Snapshot.Epoch, Matches - 1, cheaper);
    }
}
