using System.Runtime.Intrinsics;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Counts the funnel from planes of refused rows, 256 rows at a time. Two planes of state answer "who alone removed it" without
/// a pass per constraint: <c>ones</c> holds rows refused at least once so far, <c>twos</c> rows refused at least twice, so a row
/// refused by c and not in <c>twos</c> was refused by c alone.
/// </summary>
internal static class FunnelCounter
{
    /// <summary>Vectors per block: state and the planes' slices of one block (1 KiB each) stay in the first-level cache.</summary>
    private const int BlockVectors = 32;

    /// <summary>Runs all rows through the stages.</summary>
    /// <param name="refused">Per constraint that asks something, in the funnel's order: the rows it refuses.</param>
    /// <param name="alive">In: rows that exist. Out: rows no constraint refuses.</param>
    /// <param name="removed">Out, per constraint: rows that reached its stage and went no further.</param>
    /// <param name="alone">Out, per constraint: rows that no other constraint refuses.</param>
    public static void Count(ReadOnlySpan<BitPlane> refused, Span<ulong> alive, Span<int> removed, Span<int> alone)
    {
        removed.Clear();
        alone.Clear();
        Span<Vector256<ulong>> ones = stackalloc Vector256<ulong>[BlockVectors];
        Span<Vector256<ulong>> twos = stackalloc Vector256<ulong>[BlockVectors];
        var rows = BitPlane.Vectors(alive);
        for (var start = 0; start < rows.Length; start += BlockVectors)
        {
            var block = rows.Slice(start, Math.Min(BlockVectors, rows.Length - start));
            var blockOnes = ones[..block.Length];
            var blockTwos = twos[..block.Length];
            blockOnes.Clear();
            for (var i = 0; i < block.Length; i++)
            {
                // Padding counts as refused twice: it is nobody's.
                blockTwos[i] = ~block[i];
            }

            for (var c = 0; c < refused.Length; c++)
            {
                var plane = BitPlane.Vectors((ReadOnlySpan<ulong>)refused[c].Span).Slice(start, block.Length);
                removed[c] += Stage(plane, block, blockOnes, blockTwos);
            }

            AddAlone(refused, start, blockTwos, alone);
        }
    }

    private static int Stage(
        ReadOnlySpan<Vector256<ulong>> refused,
        Span<Vector256<ulong>> alive,
        Span<Vector256<ulong>> ones,
        Span<Vector256<ulong>> twos
    )
    {
        alive = alive[..refused.Length];
        ones = ones[..refused.Length];
        twos = twos[..refused.Length];
        var total = Vector256<ulong>.Zero;
        for (var i = 0; i < refused.Length; i++)
        {
            var plane = refused[i];
            total += BitPlane.CountLanes(alive[i] & plane);
            alive[i] = Vector256.AndNot(alive[i], plane);
            twos[i] |= ones[i] & plane;
            ones[i] |= plane;
        }

        return (int)Vector256.Sum(total);
    }

    private static void AddAlone(
        ReadOnlySpan<BitPlane> refused,
        int start,
        ReadOnlySpan<Vector256<ulong>> twos,
        Span<int> alone
    )
    {
        for (var c = 0; c < refused.Length; c++)
        {
            var plane = BitPlane.Vectors((ReadOnlySpan<ulong>)refused[c].Span).Slice(start, twos.Length);
            var total = Vector256<ulong>.Zero;
            for (var i = 0; i < plane.Length; i++)
            {
                total += BitPlane.CountLanes(Vector256.AndNot(plane[i], twos[i]));
            }

            alone[c] += (int)Vector256.Sum(total);
        }
    }
}
