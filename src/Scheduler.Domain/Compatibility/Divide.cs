namespace Scheduler.Domain.Compatibility;

/// <summary>Whole-number division and multiplication as memory needs it: rounded up, and never wrapped.</summary>
internal static class Divide
{
    /// <summary>
    /// The most bytes an estimate ever names, 2^59. No machine holds it, so a sum that reaches it already says "cannot fit", and eight
    /// of them still add up without overflow.
    /// </summary>
    public const long MaxBytes = 1L << 59;

    /// <summary>Quotient rounded up.</summary>
    public static long Up(long value, long by) => value <= 0 ? 0 : ((value - 1) / by) + 1;

    /// <summary>Product, held at <see cref="MaxBytes"/>.</summary>
    public static long Product(long a, long b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high != 0 || low < 0 || low > MaxBytes ? MaxBytes : low;
    }
}
