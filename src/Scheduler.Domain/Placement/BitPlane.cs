using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Scheduler.Domain.Placement;

/// <summary>
/// One bit per row of a snapshot, in row order. A plane is a whole number of 256-bit vectors; bits past the last row
/// are padding. Planes are read-only slices, so a constraint can return a plane that the snapshot already keeps.
/// </summary>
internal readonly record struct BitPlane(ulong[] Words, int Start, int Length)
{
    public const int RowsPerWord = 64;

    /// <summary>Words in one 256-bit vector. Plane lengths are a multiple of it, so no loop needs a tail.</summary>
    public const int WordsPerVector = 4;

    /// <summary>A vector adds at most 8 to each byte counter, so 31 vectors cannot overflow it.</summary>
    public const int VectorsPerSum = 31;

    public Span<ulong> Span => Words.AsSpan(Start, Length);

    public static int WordsFor(int rows)
    {
        const int RowsPerVector = RowsPerWord * WordsPerVector;
        return (rows + RowsPerVector - 1) / RowsPerVector * WordsPerVector;
    }

    public static BitPlane Of(ulong[] words) => new(words, 0, words.Length);

    public static void Set(Span<ulong> plane, int row) => plane[row >>> 6] |= 1UL << (row & 63);

    public static void Clear(Span<ulong> plane, int row) => plane[row >>> 6] &= ~(1UL << (row & 63));

    public static bool Has(ReadOnlySpan<ulong> plane, int row) => (plane[row >>> 6] & (1UL << (row & 63))) != 0;

    /// <summary>Sets the bits of the first <paramref name="rows"/> rows and clears the rest, padding included.</summary>
    public static void SetFirst(Span<ulong> plane, int rows)
    {
        var whole = rows >>> 6;
        plane[..whole].Fill(ulong.MaxValue);
        plane[whole..].Clear();
        if ((rows & 63) != 0)
        {
            plane[whole] = (1UL << (rows & 63)) - 1;
        }
    }

    public static void And(Span<ulong> plane, ReadOnlySpan<ulong> mask)
    {
        var to = Vectors(plane);
        var from = Vectors(mask);
        for (var i = 0; i < to.Length; i++)
        {
            to[i] &= from[i];
        }
    }

    public static void AndNot(Span<ulong> plane, ReadOnlySpan<ulong> mask)
    {
        var to = Vectors(plane);
        var from = Vectors(mask);
        for (var i = 0; i < to.Length; i++)
        {
            to[i] = Vector256.AndNot(to[i], from[i]);
        }
    }

    public static void Or(Span<ulong> plane, ReadOnlySpan<ulong> mask)
    {
        var to = Vectors(plane);
        var from = Vectors(mask);
        for (var i = 0; i < to.Length; i++)
        {
            to[i] |= from[i];
        }
    }

    public static int Count(ReadOnlySpan<ulong> plane)
    {
        var count = 0;
        foreach (var word in plane)
        {
            count += BitOperations.PopCount(word);
        }

        return count;
    }

    public static int CountFirst(ReadOnlySpan<ulong> plane, int rows)
    {
        var whole = rows >>> 6;
        var count = 0;
        foreach (var word in plane[..whole])
        {
            count += BitOperations.PopCount(word);
        }

        return (rows & 63) == 0 ? count : count + BitOperations.PopCount(plane[whole] & ((1UL << (rows & 63)) - 1));
    }

    /// <summary>The first row with its bit set; -1 when no bit is set.</summary>
    public static int First(ReadOnlySpan<ulong> plane)
    {
        var word = plane.IndexOfAnyExcept(0UL);
        return word < 0 ? -1 : (word * RowsPerWord) + BitOperations.TrailingZeroCount(plane[word]);
    }

    public static Span<Vector256<ulong>> Vectors(Span<ulong> plane) =>
        MemoryMarshal.Cast<ulong, Vector256<ulong>>(plane);

    public static ReadOnlySpan<Vector256<ulong>> Vectors(ReadOnlySpan<ulong> plane) =>
        MemoryMarshal.Cast<ulong, Vector256<ulong>>(plane);

    /// <summary>
    /// Adds the set bits of a vector to byte counters, for at most <see cref="VectorsPerSum"/> vectors. With AVX2 it
    /// looks up each half byte in a table; without AVX2 it adds neighbouring bits. <see cref="Sum"/> adds up the
    /// counters.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddCounts(Vector256<byte> counters, Vector256<ulong> bits)
    {
        if (!Avx2.IsSupported)
        {
            return counters + CountBytes(bits);
        }

        var table = Vector256.Create(
            0x0302020102010100UL,
            0x0403030203020201UL,
            0x0302020102010100UL,
            0x0403030203020201UL
        );
        var low = Vector256.Create((byte)0x0F);
        return counters
            + Avx2.Shuffle(table.AsByte(), bits.AsByte() & low)
            + Avx2.Shuffle(table.AsByte(), (bits >>> 4).AsByte() & low);
    }

    public static int Sum(Vector256<byte> counters)
    {
        var sixteen = Vector256.WidenLower(counters) + Vector256.WidenUpper(counters);
        return Vector256.Sum(sixteen);
    }

    /// <summary>Bits to pairs, pairs to half bytes, half bytes to bytes; no step carries into the next byte.</summary>
    private static Vector256<byte> CountBytes(Vector256<ulong> bits)
    {
        var everySecond = Vector256.Create(0x5555555555555555UL);
        var everySecondPair = Vector256.Create(0x3333333333333333UL);
        var lowHalves = Vector256.Create(0x0F0F0F0F0F0F0F0FUL);
        var pairs = bits - ((bits >>> 1) & everySecond);
        var halves = (pairs & everySecondPair) + ((pairs >>> 2) & everySecondPair);
        return ((halves + (halves >>> 4)) & lowHalves).AsByte();
    }
}
