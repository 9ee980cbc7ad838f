using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;

namespace Scheduler.ModelFit;

/// <summary>Published models with a shipped config, by Hugging Face id. Each is parsed once, on first use.</summary>
public static class ModelCatalogue
{
    private const string ConfigEnd = ".config.json";
    private const string SidecarEnd = ".hf_quant_config.json";

    private static readonly FrozenDictionary<string, string> Files = Csv.Rows(
            Encoding.UTF8.GetString(EmbeddedData.Model("models.csv"))
        )
        .Where(row => row["file"].EndsWith(ConfigEnd, StringComparison.Ordinal))
        .ToFrozenDictionary(row => row["hugging_face_id"], row => row["file"], StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Sidecars = EmbeddedData
        .ModelFiles.Where(file => file.EndsWith(SidecarEnd, StringComparison.Ordinal))
        .ToFrozenSet(StringComparer.Ordinal);

    private static readonly ConcurrentDictionary<string, ModelFacts> Facts = new(StringComparer.Ordinal);

    /// <summary>The Hugging Face ids, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Files.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The facts of a model; null when its config is not shipped.</summary>
    /// <param name="name">Hugging Face id, in any case.</param>
    public static ModelFacts? Find(string name) =>
        Files.TryGetValue(name, out var file) ? Facts.GetOrAdd(file, Parse) : null;

    private static ModelFacts Parse(string file)
    {
        var sidecar = file.Replace(ConfigEnd, SidecarEnd, StringComparison.Ordinal);
        var reading = HfConfig.Parse(
            Files.First(pair => string.Equals(pair.Value, file, StringComparison.Ordinal)).Key,
            EmbeddedData.Model(file),
            Sidecars.Contains(sidecar) ? EmbeddedData.Model(sidecar) : []
        );
        return reading.Facts ?? throw new FormatException($"{file}: {reading.Refusal?.Message}");
    }
}
