using System.Buffers;
using System.Collections.Immutable;
using System.Numerics;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement.Constraints;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Finds all minimal relaxations of a request that matched nothing.
/// <para>
/// Each offer is refused by a set of constraints. Loosening a set S of them can admit exactly the offers whose refusing
/// set is a subset of S. So the minimal sets to loosen are the inclusion-minimal refusing sets that offers have. This
/// needs one pass over the offers and no search over subsets. Offers refused by a constraint that the caller cannot
/// change (fit, availability, health) are left out first, because no relaxation admits them.
/// </para>
/// <para>
/// For each such set, one target offer gives the nearest value of each constraint. The finder applies the edits and
/// solves the loosened request again. So a relaxation reports exactly the result that the caller gets with these edits.
/// </para>
/// </summary>
internal static class RelaxationFinder
{
    public static PlacementDecision Explain(FunnelPass pass)
    {
        var words = pass.Snapshot.Words;
        var rented = ArrayPool<ulong>.Shared.Rent(2 * words);
        try
        {
            var candidates = rented.AsSpan(0, words);
            var scratch = rented.AsSpan(words, words);
            var (matchLater, noShapeFits) = WithoutRelaxing(pass, candidates, scratch);
            return new PlacementDecision
            {
                Funnel = pass.ToFunnel(),
                Epoch = pass.Snapshot.Epoch,
                Relaxations = FindAll(pass, candidates, scratch),
                MatchLater = matchLater,
                NoShapeFits = noShapeFits,
            };
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(rented);
        }
    }

    /// <summary>
    /// How many offers match without a change of the request, once they are available; and whether <see cref="NoMatchRule"/>
    /// says that no GPU fits.
    /// </summary>
    private static (int MatchLater, bool NoShapeFits) WithoutRelaxing(
        FunnelPass pass,
        Span<ulong> left,
        Span<ulong> fitting
    )
    {
        BitPlane.SetFirst(left, pass.Snapshot.Count);
        BitPlane.SetFirst(fitting, pass.Snapshot.Count);
        BitPlane? overpriced = null;
        for (var c = 0; c < pass.Asked.Length; c++)
        {
            if (pass.Asked[c] is MaxPriceConstraint)
            {
                overpriced = pass.Refused[c];
            }
            else if (pass.Asked[c].Relaxable)
            {
                BitPlane.AndNot(left, pass.Refused[c].Span);
            }
            else if (pass.Asked[c] is FitsGpuConstraint)
            {
                BitPlane.AndNot(fitting, pass.Refused[c].Span);
            }
        }

        var (someFit, someLeft) = (BitPlane.First(fitting) >= 0, BitPlane.First(left) >= 0);
        BitPlane.And(left, fitting);
        var code = NoMatchRule.CodeOf(pass.Snapshot.Count > 0, someFit, someLeft, BitPlane.First(left) >= 0);
        if (overpriced is { } tooDear)
        {
            BitPlane.AndNot(left, tooDear.Span);
        }

        return (BitPlane.Count(left), code == FailureCode.GpuIncompatible);
    }

    private static ImmutableArray<Relaxation> FindAll(FunnelPass pass, Span<ulong> candidates, Span<ulong> scratch)
    {
        BitPlane.SetFirst(candidates, pass.Snapshot.Count);
        var relaxable = new List<int>();
        for (var c = 0; c < pass.Asked.Length; c++)
        {
            if (pass.Asked[c].Relaxable)
            {
                relaxable.Add(c);
            }
            else
            {
                BitPlane.AndNot(candidates, pass.Refused[c].Span);
            }
        }

        var found = new List<Found>();
        foreach (var set in MinimalSets(pass, candidates, relaxable))
        {
            candidates.CopyTo(scratch);
            found.Add(Relax(pass, scratch, relaxable, set));
        }

        found.Sort(NearestFirst);
        var relaxations = ImmutableArray.CreateBuilder<Relaxation>(found.Count);
        foreach (var one in found)
        {
            relaxations.Add(one.Relaxation);
        }

        return relaxations.MoveToImmutable();
    }

    /// <summary>The inclusion-minimal refusing sets, as bits over <paramref name="relaxable"/>.</summary>
    private static List<int> MinimalSets(FunnelPass pass, ReadOnlySpan<ulong> candidates, List<int> relaxable)
    {
        // 1. The funnel gives the sets of one. No set that contains one of them is minimal.
        var minimal = new List<int>();
        var others = new List<int>();
        for (var i = 0; i < relaxable.Count; i++)
        {
            (pass.RemovedAlone[relaxable[i]] > 0 ? minimal : others).Add(
                pass.RemovedAlone[relaxable[i]] > 0 ? 1 << i : i
            );
        }

        // 2. The sets of the other constraints that offers have.
        var seen = new bool[1 << relaxable.Count];
        for (var word = 0; word < candidates.Length; word++)
        {
            var bits = candidates[word];
            for (var i = 0; i < relaxable.Count && bits != 0; i++)
            {
                if (pass.RemovedAlone[relaxable[i]] > 0)
                {
                    bits &= ~pass.Refused[relaxable[i]].Span[word];
                }
            }

            Split(pass, relaxable, others, word, bits, next: 0, set: 0, seen);
        }

        // 3. Keep those that contain no other set. A subset has fewer members, so smaller sets come first.
        foreach (var set in Enumerable.Range(1, seen.Length - 1).Where(set => seen[set]).OrderBy(SizeOf))
        {
            if (!minimal.Exists(smaller => (smaller & set) == smaller))
            {
                minimal.Add(set);
            }
        }

        return minimal;
    }

    /// <summary>Splits 64 rows by one constraint after the other; skips branches without rows.</summary>
    private static void Split(
        FunnelPass pass,
        List<int> relaxable,
        List<int> others,
        int word,
        ulong bits,
        int next,
        int set,
        bool[] seen
    )
    {
        if (bits == 0)
        {
            return;
        }

        if (next == others.Count)
        {
            seen[set] = true;
            return;
        }

        var refused = pass.Refused[relaxable[others[next]]].Span[word];
        Split(pass, relaxable, others, word, bits & refused, next + 1, set | (1 << others[next]), seen);
        Split(pass, relaxable, others, word, bits & ~refused, next + 1, set, seen);
    }

    private static Found Relax(FunnelPass pass, Span<ulong> rows, List<int> relaxable, int set)
    {
        // 1. The offers that exactly this set refuses.
        for (var i = 0; i < relaxable.Count; i++)
        {
            var refused = pass.Refused[relaxable[i]].Span;
            if ((set & (1 << i)) != 0)
            {
                BitPlane.And(rows, refused);
            }
            else
            {
                BitPlane.AndNot(rows, refused);
            }
        }

        var inReach = BitPlane.Count(rows);

        // 2. The nearest of these: constraint by constraint, then by rank.
        var members = new List<Constraint>();
        for (var i = 0; i < relaxable.Count; i++)
        {
            if ((set & (1 << i)) != 0)
            {
                var constraint = pass.Asked[relaxable[i]];
                constraint.KeepNearest(pass.Snapshot, pass.Request, rows);
                members.Add(constraint);
            }
        }

        var (first, last) = FunnelPass.Best(rows, top: 1, new RankOrder(pass.Snapshot, pass.Request));
        var target = pass.Snapshot.Columns.At(first.Count > 0 ? first.Rows[0] : last.Rows[0]);

        // 3. Loosen each constraint just enough to admit the target, and solve again.
        var asked = pass.Request.Constraints;
        var loosened = members.Aggregate(asked, (constraints, member) => member.Loosen(constraints, target));
        using var after = FunnelPass.Run(pass.Snapshot, pass.Request with { Constraints = loosened });
        var best = after.Rank(top: 1, out _)[0].Offer;
        var relaxation = new Relaxation(
            [.. members.Select(member => member.Edit(asked, target))],
            loosened,
            after.Matches,
            inReach,
            best,
            asked.MaxPricePerHour is { } most ? best.PricePerHour - most : null
        );
        var distance = asked.GpuType is { } gpu ? GpuTypeConstraint.MemoryDistance(gpu, best.GpuType) : 0;
        return new Found(relaxation, members.Exists(static member => member.IsNaming), distance);
    }

    /// <summary>
    /// Those that keep what the request names first, then fewest edits, the GPU with the nearest memory, the cheapest result,
    /// the funnel's order of constraints.
    /// </summary>
    private static int NearestFirst(Found a, Found b)
    {
        var (one, other) = (a.Relaxation, b.Relaxation);
        var order = a.Leaves.CompareTo(b.Leaves);
        order = order != 0 ? order : one.Edits.Length.CompareTo(other.Edits.Length);
        order = order != 0 ? order : a.MemoryDistance.CompareTo(b.MemoryDistance);
        order = order != 0 ? order : one.Best.PricePerHour.CompareTo(other.Best.PricePerHour);
        for (var i = 0; order == 0 && i < one.Edits.Length; i++)
        {
            order = PlacementSolver
                .ConstraintNames.IndexOf(one.Edits[i].Constraint)
                .CompareTo(PlacementSolver.ConstraintNames.IndexOf(other.Edits[i].Constraint));
        }

        return order;
    }

    private static int SizeOf(int set) => BitOperations.PopCount((uint)set);

    /// <summary>A relaxation with what orders it.</summary>
    private readonly record struct Found(Relaxation Relaxation, bool Leaves, long MemoryDistance);
}
