namespace Scheduler.Fuzz;

/// <summary>SplitMix64: a fast generator with the same sequence on every machine.</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        unchecked
        {
            var z = _state += 0x9E3779B97F4A7C15;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }

    /// <summary>A number from 0 to <paramref name="limit"/> - 1; 0 when the limit is not positive.</summary>
    public int Next(int limit) => limit <= 0 ? 0 : (int)(((Next() >> 32) * (uint)limit) >> 32);

    public bool OneIn(int count) => Next(count) == 0;
}
