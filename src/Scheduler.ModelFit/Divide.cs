namespace Scheduler.ModelFit;

/// <summary>Whole-number arithmetic for memory sizes: rounds up and never overflows.</summary>
internal static class Divide
{
    /// <summary>
    /// Upper limit of any estimate in bytes, 2^59. No machine has that much memory, so a sum that reaches it means
    /// "cannot fit". Eight such values add up without overflow.
    /// </summary>
    public const long MaxBytes = 1L << 59;

    public static long Up(long value, long by) => value <= 0 ? 0 : ((value - 1) / by) + 1;

    /// <summary>Sum of values from 0 to <see cref="MaxBytes"/>, limited to it.</summary>
    public static long Sum(long a, long b) => Math.Min(MaxBytes, a + b);

    /// <summary>Product, limited to <see cref="MaxBytes"/>.</summary>
    public static long Product(long a, long b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high != 0 || low < 0 || low > MaxBytes ? MaxBytes : low;
    }
}
