using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Scheduler.Domain.Models;

namespace Scheduler.Providers.Hub;

/// <summary>Which files of a repository describe the model.</summary>
internal sealed partial record HubFileChoice
{
    private const int MostChoices = 30;
    private const int MostFiles = 1_024;

    /// <summary><c>config.json</c> or <c>params.json</c>; null for GGUF.</summary>
    internal string? Config { get; private init; }

    internal string? Quantization { get; private init; }

    internal string? Index { get; private init; }

    /// <summary>Safetensors files of a repository without an index, or all parts of one GGUF model.</summary>
    internal ImmutableArray<string> Weights { get; private init; } = [];

    /// <summary>Quantization in the name of the GGUF file; null for others.</summary>
    internal string? GgufTag { get; private init; }

    internal bool IsGguf => Config is null;

    /// <param name="wanted">A GGUF file, or the quantization in its name; null for the only model.</param>
    internal static (HubFileChoice? Choice, HubRefusal? Refusal) Of(ImmutableArray<string> files, string? wanted)
    {
        var models = GgufModels(files);
        if (wanted is not null)
        {
            return Named(models, wanted);
        }

        var config =
            files.Contains("config.json", StringComparer.Ordinal) ? "config.json"
            : files.Contains("params.json", StringComparer.Ordinal) ? "params.json"
            : null;
        var hasWeights = files.Any(file => IsAtRoot(file) && (IsSafetensors(file) || file.EndsWith(".bin", Letters)));
        if (config is not null && (hasWeights || models.Count == 0))
        {
            return (FromConfig(files, config), null);
        }

        return models.Count switch
        {
            0 => Refused(HubCause.Unsupported, WordsWithout(files)),
            1 => Gguf(models[0]),
            _ => (null, Several(models)),
        };
    }

    private const StringComparison Letters = StringComparison.OrdinalIgnoreCase;

    private static (HubFileChoice? Choice, HubRefusal? Refusal) Named(List<GgufModel> models, string wanted)
    {
        var named = models
            .Where(model =>
                model.Parts.Contains(wanted, StringComparer.Ordinal) || string.Equals(model.Tag, wanted, Letters)
            )
            .ToList();
        return named.Count switch
        {
            0 => Refused(
                HubCause.FileMissing,
                $"it has no GGUF file '{wanted}'{(models.Count == 0 ? "" : $"; it has {Names(models)}")}."
            ),
            1 => Gguf(named[0]),
            _ => (null, Several(named)),
        };
    }

    private static HubFileChoice FromConfig(ImmutableArray<string> files, string config)
    {
        var index =
            files.Contains("model.safetensors.index.json", StringComparer.Ordinal) ? "model.safetensors.index.json"
            : files.Contains("consolidated.safetensors.index.json", StringComparer.Ordinal) && config == "params.json"
                ? "consolidated.safetensors.index.json"
            : null;
        var weights = files.Where(file => IsAtRoot(file) && IsSafetensors(file)).Order(StringComparer.Ordinal).ToList();
        // Mistral publishes the same weights twice: engines read the files of the config's format.
        var ofConfig = weights
            .Where(file => file.StartsWith("consolidated", Letters) == (config == "params.json"))
            .ToList();
        return new HubFileChoice
        {
            Config = config,
            Quantization = files.Contains("hf_quant_config.json", StringComparer.Ordinal)
                ? "hf_quant_config.json"
                : null,
            Index = index,
            Weights = index is null && weights.Count <= MostFiles ? [.. ofConfig.Count > 0 ? ofConfig : weights] : [],
        };
    }

    private static (HubFileChoice?, HubRefusal?) Gguf(GgufModel model) =>
        model.Parts.Length == model.PartCount
            ? (new HubFileChoice { Weights = model.Parts, GgufTag = model.Tag }, null)
            : Refused(
                HubCause.FileMissing,
                $"'{model.Parts[0]}' is one of {model.PartCount} parts, and {model.PartCount - model.Parts.Length} are missing."
            );

    private static List<GgufModel> GgufModels(ImmutableArray<string> files) =>
        [
            .. files
                .Where(file => file.EndsWith(".gguf", Letters) && !IsProjector(file))
                .GroupBy(file => Part().Replace(file, ".gguf"), StringComparer.Ordinal)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => new GgufModel(
                    [.. group.Order(StringComparer.Ordinal)],
                    Part().Match(group.First()) is { Success: true } part
                        ? int.Parse(part.Groups["of"].ValueSpan, System.Globalization.CultureInfo.InvariantCulture)
                        : 1,
                    Tag().Match(group.Key) is { Success: true } tag ? tag.Groups["tag"].Value : null
                )),
        ];

    private static HubRefusal Several(List<GgufModel> models) =>
        new(
            HubCause.Ambiguous,
            $"it has {models.Count} GGUF models.",
            [.. models.Take(MostChoices).Select(model => NameOf(model, models))]
        );

    private static string Names(List<GgufModel> models) =>
        string.Join(", ", models.Take(MostChoices).Select(model => NameOf(model, models)));

    /// <summary>The quantization when it names one model, else the file.</summary>
    private static string NameOf(GgufModel model, List<GgufModel> among) =>
        model.Tag is { } tag && among.Count(other => string.Equals(other.Tag, tag, Letters)) == 1
            ? tag
            : model.Parts[0];

    private static string WordsWithout(ImmutableArray<string> files) =>
        files.Contains("adapter_config.json", StringComparer.Ordinal)
            ? "it is a LoRA adapter; import the model that it adapts."
        : files.Contains("model_index.json", StringComparer.Ordinal)
            ? "it is a pipeline of several models, which no engine here runs."
        : "it has neither config.json nor GGUF files.";

    private static (HubFileChoice?, HubRefusal?) Refused(HubCause cause, string words) =>
        (null, new HubRefusal(cause, words));

    private static bool IsAtRoot(string file) => !file.Contains('/', StringComparison.Ordinal);

    private static bool IsSafetensors(string file) => file.EndsWith(".safetensors", Letters);

    /// <summary>A projector for images goes with a model and is none.</summary>
    private static bool IsProjector(string file) => Path.GetFileName(file).Contains("mmproj", Letters);

    private sealed record GgufModel(ImmutableArray<string> Parts, int PartCount, string? Tag);

    [GeneratedRegex(@"-\d{5}-of-(?<of>\d{5})\.gguf$", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Part();

    /// <summary>As in the names that llama.cpp's own converter writes.</summary>
    [GeneratedRegex(
        @"(?:^|[-._/])(?<tag>(?:UD-)?I?Q[1-8](?:_[A-Z0-9]+)*|BF16|F16|F32|TQ[12]_0|MXFP4(?:_MOE)?)\.gguf$",
        RegexOptions.IgnoreCase,
        1000
    )]
    private static partial Regex Tag();
}
