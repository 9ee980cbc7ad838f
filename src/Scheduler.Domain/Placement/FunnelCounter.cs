using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Counts the funnel from planes of refused rows, 256 rows at a time. Two planes of state count <c>RemovedAlone</c>
/// without a pass per constraint. <c>ones</c> holds rows refused at least once so far, <c>twos</c> rows refused at
/// least twice. A row that c refuses and that is not in <c>twos</c> is refused by c alone.
/// </summary>
internal static class FunnelCounter
{
    /// <summary>The maximum that byte counters can add up; the state of one block fits into the L1 cache.</summary>
    private const int BlockVectors = BitPlane.VectorsPerSum;

    /// <param name="refused">The rows that each used constraint refuses, in the funnel's order.</param>
    /// <param name="alive">In: rows that exist. Out: rows that no constraint refuses.</param>
    /// <param name="removed">Out, per constraint: rows that pass all earlier stages and stop here.</param>
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
                // Padding counts as refused twice, so no constraint counts it as refused alone.
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

    /// <summary>All four spans have the same length. The loop uses references to avoid bounds checks.</summary>
    private static int Stage(
        ReadOnlySpan<Vector256<ulong>> refused,
        Span<Vector256<ulong>> alive,
        Span<Vector256<ulong>> ones,
        Span<Vector256<ulong>> twos
    )
    {
        ref var refusedAt = ref MemoryMarshal.GetReference(refused);
        ref var aliveAt = ref MemoryMarshal.GetReference(alive);
        ref var onesAt = ref MemoryMarshal.GetReference(ones);
        ref var twosAt = ref MemoryMarshal.GetReference(twos);
        var counters = Vector256<byte>.Zero;
        for (nint i = 0; i < refused.Length; i++)
        {
            var plane = Unsafe.Add(ref refusedAt, i);
            var left = Unsafe.Add(ref aliveAt, i);
            var once = Unsafe.Add(ref onesAt, i);
            counters = BitPlane.AddCounts(counters, left & plane);
            Unsafe.Add(ref aliveAt, i) = Vector256.AndNot(left, plane);
            Unsafe.Add(ref twosAt, i) |= once & plane;
            Unsafe.Add(ref onesAt, i) = once | plane;
        }

        return BitPlane.Sum(counters);
    }

    private static void AddAlone(
        ReadOnlySpan<BitPlane> refused,
        int start,
        ReadOnlySpan<Vector256<ulong>> twos,
        Span<int> alone
    )
    {
        ref var twosAt = ref MemoryMarshal.GetReference(twos);
        for (var c = 0; c < refused.Length; c++)
        {
            var plane = BitPlane.Vectors((ReadOnlySpan<ulong>)refused[c].Span).Slice(start, twos.Length);
            ref var planeAt = ref MemoryMarshal.GetReference(plane);
            var counters = Vector256<byte>.Zero;
            for (nint i = 0; i < plane.Length; i++)
            {
                var single = Vector256.AndNot(Unsafe.Add(ref planeAt, i), Unsafe.Add(ref twosAt, i));
                counters = BitPlane.AddCounts(counters, single);
            }

            alone[c] += BitPlane.Sum(counters);
        }
    }
}
