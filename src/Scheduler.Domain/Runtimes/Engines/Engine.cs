using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>
/// All that the scheduler knows about one engine, as data: its command line, its options, what it loads, its paths, and
/// the words of its hints. Memory is in <see cref="EngineProfile"/>, its ends are in <see cref="ExitRules"/>.
/// </summary>
public sealed record Engine
{
    /// <summary>The built-in preset has the same name.</summary>
    public required string Name { get; init; }

    /// <summary>A name on the host's PATH. In a container: the entry point.</summary>
    public required string Program { get; init; }

    /// <summary>Templates of the built-in preset; see <see cref="RuntimePreset"/>.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    /// <summary>The options that state a plan, in the order in which they are printed.</summary>
    public required ImmutableArray<PlanOption> PlanOptions { get; init; }

    /// <summary>Why a quantity without an option holds all the same, one sentence each.</summary>
    public required ImmutableDictionary<PlanQuantity, string> Defaults { get; init; }

    /// <summary>All other known options.</summary>
    public ImmutableArray<KnownOption> Options { get; init; } = [];

    /// <summary>Formats into which it converts weights that are published in 16 or 32 bits.</summary>
    public ImmutableArray<WeightFormat> Converts { get; init; } = [];

    /// <summary>Cache formats that it has besides the published one.</summary>
    public ImmutableArray<KvFormat> Caches { get; init; } = [KvFormat.Bf16];

    /// <summary>Whether it loads files of this format at all.</summary>
    public Func<WeightFormat, bool> Reads { get; init; } = _ => true;

    /// <summary>What it loads, for messages.</summary>
    public string ReadsWords { get; init; } = "the published format";

    /// <summary>
    /// Sequences that it computes together when nothing states their number; null when that is the number of sequences
    /// that the plan guarantees.
    /// </summary>
    public int? DefaultAtOnce { get; init; }

    /// <summary>The arguments that name the model.</summary>
    public required Func<ModelSource, ImmutableArray<string>> Source { get; init; }

    /// <summary>Whether <see cref="Source"/> can name a revision.</summary>
    public bool HasRevisions { get; init; } = true;

    public string HealthPath { get; init; } = "/health";

    /// <summary>Prometheus metrics; null when it has none or when they need an option.</summary>
    public string? MetricsPath { get; init; } = "/metrics";

    /// <summary>Path of its tokenizer in a known format; null when it has none.</summary>
    public string? TokenizePath { get; init; }

    public TokenizeShape TokenizeShape { get; init; }

    /// <summary>
    /// Environment variable with the key that it asks its callers for; null when it cannot ask for one. A variable and no option: other
    /// processes of the host can read command lines.
    /// </summary>
    public string? KeyVariable { get; init; }

    public string? Image { get; init; }

    /// <summary>
    /// Number of leading words of the command line, program included, that the image's entry point already contains. Null
    /// when the image runs the command line only with another entry point.
    /// </summary>
    public int? EntrypointWords { get; init; }

    internal EngineOptions Hints { get; init; } = new();

    /// <summary>The preset that starts it with its own program.</summary>
    [JsonIgnore]
    public RuntimePreset Preset =>
        new()
        {
            Name = Name,
            Program = Program,
            Arguments = Arguments,
            HealthPath = HealthPath,
            TokenizePath = TokenizePath,
            TokenizeShape = TokenizeShape,
            KeyVariable = KeyVariable,
            Image = Image,
            Engine = this,
        };

    /// <summary>The name; its preset refers back to it.</summary>
    public override string ToString() => Name;

    /// <summary>Whether it has a way to load a model in a format.</summary>
    public bool CanLoad(ModelFacts model, WeightFormat format) =>
        Reads(model.NativeFormat)
        && (
            format == model.NativeFormat
            || (model.NativeFormat is WeightFormat.Bf16 or WeightFormat.Fp32 && Converts.Contains(format))
        );

    /// <summary>Whether the command line states a quantity, or a default of the engine makes it hold.</summary>
    /// <remarks>
    /// For weights and cache in the published format the model's files do; <see cref="RuntimePreset.FaultOf"/> refuses the
    /// others.
    /// </remarks>
    public bool States(PlanQuantity quantity) =>
        PlanOptions.Any(option => option.Quantity == quantity)
        || quantity
            is PlanQuantity.Weights
                or PlanQuantity.Cache
                or PlanQuantity.Context
                or PlanQuantity.Sequences
                or PlanQuantity.TensorParallel
                or PlanQuantity.PipelineParallel;

    /// <summary>The options that state the plan; a quantity at the engine's default has none.</summary>
    /// <param name="plan">Of a model that the engine can load.</param>
    public ImmutableArray<string> Print(LaunchPlan plan) =>
        [.. PlanOptions.SelectMany(option => option.Arguments(plan))];
}
