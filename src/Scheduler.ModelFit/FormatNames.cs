namespace Scheduler.ModelFit;

public static class FormatNames
{
    /// <summary>Accepted weight formats: all of <see cref="WeightFormat"/> except <c>gguf</c>.</summary>
    public static IEnumerable<string> WeightFormats =>
        Enum.GetValues<WeightFormat>().Where(format => format != WeightFormat.Gguf).Select(Name);

    public static IEnumerable<string> KvFormats => ["auto", "fp16", .. Enum.GetValues<KvFormat>().Select(Name)];

    public static string Name<T>(T format)
        where T : struct, Enum => format.ToString().ToLowerInvariant();

    /// <summary>Reads a weight format; null or empty means the published one.</summary>
    public static bool TryWeight(string? name, out WeightFormat? format)
    {
        format = null;
        if (string.IsNullOrEmpty(name))
        {
            return true;
        }

        format = Enum.GetValues<WeightFormat>()
            .Where(f => f != WeightFormat.Gguf)
            .Cast<WeightFormat?>()
            .FirstOrDefault(f => Name(f!.Value) == name);
        return format is not null;
    }

    /// <summary>Reads a cache format; <c>auto</c> or empty means the published one.</summary>
    public static bool TryKv(string name, KvFormat published, out KvFormat format)
    {
        format = published;
        if (name is "auto" or "")
        {
            return true;
        }

        if (name == "fp16")
        {
            format = KvFormat.Bf16;
            return true;
        }

        foreach (var known in Enum.GetValues<KvFormat>().Where(known => Name(known) == name))
        {
            format = known;
            return true;
        }

        return false;
    }
}
