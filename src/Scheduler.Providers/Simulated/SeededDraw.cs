namespace Scheduler.Providers.Simulated;

/// <summary>Draws that depend only on their arguments: the same on every machine, in every run, in any order.</summary>
internal static class SeededDraw
{
    private const ulong FnvOffset = 14_695_981_039_346_656_037;
    private const ulong FnvPrime = 1_099_511_628_211;

    /// <summary>A number from 0 (inclusive) to 1 (exclusive).</summary>
    internal static double Unit(int seed, string about, string key) =>
        (Hash(seed, about, key) >> 11) * (1.0 / (1UL << 53));

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>, both inclusive.</summary>
    internal static int Between(int seed, string about, string key, int min, int max) =>
        min + (int)(Hash(seed, about, key) % (ulong)(max - min + 1));

    /// <summary>
    /// 64 well-mixed bits: FNV-1a over the text, then the finaliser of SplitMix64, which mixes low and high bits
    /// equally well.
    /// </summary>
    internal static ulong Hash(int seed, string about, string key)
    {
        unchecked
        {
            var hash = (FnvOffset ^ (uint)seed) * FnvPrime;
            hash = Add(Add(hash, about) * FnvPrime, key);
            hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9;
            hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EB;
            return hash ^ (hash >> 31);
        }
    }

    private static ulong Add(ulong hash, string text)
    {
        foreach (var letter in text)
        {
            hash = unchecked((hash ^ letter) * FnvPrime);
        }

        return hash;
    }
}
