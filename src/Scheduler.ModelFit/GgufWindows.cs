namespace Scheduler.ModelFit;

/// <summary>
/// Which layers of a GGUF model have a sliding window: from the file's pattern, else from the constants that llama.cpp
/// has for an architecture (<c>llama-model.cpp</c>, <c>set_swa_pattern</c>).
/// </summary>
internal static class GgufWindows
{
    /// <summary>Window of an architecture whose file states none, tokens; 0 for no window.</summary>
    public static long DefaultWindow(string prefix, long layers) =>
        prefix switch
        {
            "gemma2." => 4096,
            "llama4." => 8192,
            // Only the larger EXAONE 4 has windows.
            "exaone4." when layers == 64 => 4096,
            _ => 0,
        };

    public static bool[] Of(string prefix, long layers, long window, long[] pattern)
    {
        var slides = new bool[layers];
        if (window == 0)
        {
            return slides;
        }

        if (pattern.Length == layers)
        {
            return [.. pattern.Select(flag => flag != 0)];
        }

        // A pattern of one number is the length of the cycle.
        var period = pattern.Length == 1 ? pattern[0] : Period(prefix, layers);
        for (var i = 0; i < slides.Length && period > 1; i++)
        {
            slides[i] = IsDenseFirst(prefix) ? i % period != 0 : i % period < period - 1;
        }

        return slides;
    }

    private static long Period(string prefix, long layers) =>
        prefix switch
        {
            "gemma2." or "gpt-oss." => 2,
            "gemma3n." => 5,
            "gemma3." or "gemma4." => 6,
            "cohere2." or "llama4." or "olmo2." or "smallthinker." or "exaone-moe." or "afmoe." => 4,
            "exaone4." when layers == 64 => 4,
            _ => 0,
        };

    private static bool IsDenseFirst(string prefix) => prefix is "smallthinker.";
}
