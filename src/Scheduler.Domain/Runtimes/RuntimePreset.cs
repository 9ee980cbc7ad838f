using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes;

/// <summary>
/// How to start and call one kind of runtime: its program, a template of its arguments, and the paths of its HTTP API.
/// Arguments are rendered one by one and passed to the system as a list; no shell parses them.
/// </summary>
/// <remarks>
/// <para>
/// Placeholders: <c>{model}</c>, <c>{serving_name}</c>, <c>{context}</c> (tokens per sequence), <c>{parallel}</c> (sequences
/// at once), <c>{tp}</c>, <c>{host}</c>, <c>{port}</c>. <c>{context_total}</c> is the tokens of all guaranteed sequences
/// together. <c>{model_option}</c> is <c>--model</c> for a path or a <c>.gguf</c> file, and <c>--hf-repo</c> for a hub id.
/// </para>
/// <para>
/// Three others are each a whole template, which becomes any number of arguments. <c>{plan}</c>: the options of the engine that
/// state all that was judged. <c>{source}</c>: those that name the model. <c>{arguments}</c>: those of the caller. They
/// belong before the scheduler's own, because parsers take the last of two equal options.
/// </para>
/// <para>Any other name in braces is an error that <see cref="Faults"/> reports before the preset is used.</para>
/// </remarks>
public sealed record RuntimePreset
{
    private static readonly ImmutableArray<string> Placeholders =
    [
        "model",
        "model_option",
        "serving_name",
        "context",
        "context_total",
        "parallel",
        "tp",
        "host",
        "port",
    ];

    private const string PlanPart = "{plan}";
    private const string SourcePart = "{source}";
    private const string ArgumentsPart = "{arguments}";

    public required string Name { get; init; }

    /// <summary>A name on the host's PATH or an absolute path. In a container: the entry point.</summary>
    public required string Program { get; init; }

    /// <summary>Templates; each becomes exactly one argument.</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];

    /// <summary>The engine behind the program; null when it is not known, so that no option is known either.</summary>
    public Engine? Engine { get; init; }

    /// <summary>Whether callers may pass arguments.</summary>
    public bool TakesArguments => Has(ArgumentsPart);

    /// <summary>Path that returns 200 once the runtime can serve; a template with <c>{serving_name}</c>.</summary>
    public string HealthPath { get; init; } = "/health";

    /// <summary>Path of the runtime's own tokenizer; null when it has none.</summary>
    public string? TokenizePath { get; init; }

    public TokenizeShape TokenizeShape { get; init; }

    /// <summary>
    /// Environment variable with the runtime key; null when the program cannot ask its callers for a key. Such a runtime must not be
    /// reachable from outside its host.
    /// </summary>
    public string? KeyVariable { get; init; }

    /// <summary>Container image, for providers that run containers; null when the preset has none.</summary>
    public string? Image { get; init; }

    /// <summary>Validation errors of the templates, one sentence each; empty for a valid preset.</summary>
    public IEnumerable<string> Faults()
    {
        if (string.IsNullOrWhiteSpace(Program))
        {
            yield return "the program is empty";
        }

        if (!HealthPath.StartsWith('/'))
        {
            yield return $"the health path '{HealthPath}' does not start with '/'";
        }

        if (Engine is null && (Has(PlanPart) || Has(SourcePart)))
        {
            yield return $"{PlanPart} and {SourcePart} need an engine";
        }

        foreach (var argument in Arguments.Where(argument => !IsPart(argument)))
        {
            foreach (var name in NamesIn(argument))
            {
                if (!Placeholders.Contains(name, StringComparer.Ordinal))
                {
                    yield return $"'{{{name}}}' in '{argument}' is none of {{{string.Join("}, {", Placeholders)}}}";
                }
            }
        }
    }

    /// <summary>What of a plan the preset cannot start; null when it can.</summary>
    /// <returns>The field of a launch spec, and a sentence.</returns>
    public (string Field, string Fault)? FaultOf(LaunchPlan plan, ModelFacts facts)
    {
        if (Engine is { } engine && !engine.Reads(facts.NativeFormat))
        {
            return (
                "runtime",
                $"{engine.Name} loads {engine.ReadsWords}; {facts.Name} is published in {FormatNames.Name(facts.NativeFormat)}."
            );
        }

        var loaded = plan.Format ?? facts.NativeFormat;
        if (loaded != facts.NativeFormat && Engine?.CanLoad(facts, loaded) != true)
        {
            return (
                "weight_format",
                $"{Engine?.Name ?? Name} has no way to load {facts.Name}, published in {FormatNames.Name(facts.NativeFormat)}, "
                    + $"as {FormatNames.Name(loaded)}; use a model that is published in it."
            );
        }

        if (plan.Kv != facts.PublishedKvFormat && Engine?.Caches.Contains(plan.Kv) != true && plan.Kv != KvFormat.Bf16)
        {
            return ("kv_format", $"{Engine?.Name ?? Name} has no cache in {FormatNames.Name(plan.Kv)}.");
        }

        if (plan.Kv != facts.PublishedKvFormat && plan.Kv != KvFormat.Bf16 && !Has(PlanPart))
        {
            return ("kv_format", NoPlace);
        }

        if (plan.SequencesAtOnce < plan.ParallelSequences)
        {
            return ("sequences_at_once", "Must be at least parallel_sequences.");
        }

        return Unreachable(plan) is { } quantity ? (quantity.Field() ?? "runtime_arguments", NoPlace) : null;
    }

    private string NoPlace =>
        $"The preset `{Name}` has no place for it in its arguments; the operator can add {PlanPart}.";

    /// <summary>A quantity that the plan states and the command line would not; null when there is none.</summary>
    private PlanQuantity? Unreachable(LaunchPlan plan)
    {
        if (Has(PlanPart))
        {
            return Enum.GetValues<PlanQuantity>()
                .Where(quantity => !quantity.IsDefault(plan) && !Engine!.States(quantity))
                .Cast<PlanQuantity?>()
                .FirstOrDefault();
        }

        var stated = Arguments.SelectMany(NamesIn).ToHashSet(StringComparer.Ordinal);
        return Enum.GetValues<PlanQuantity>()
            .Where(quantity => !quantity.IsDefault(plan) && IsMissing(quantity))
            .Cast<PlanQuantity?>()
            .FirstOrDefault();

        // A preset of the operator's own may state the others in any way, or size nothing by them. The model's files state
        // the cache; FaultOf refuses another one.
        bool IsMissing(PlanQuantity quantity) =>
            quantity == PlanQuantity.SequencesAtOnce
                ? !stated.Contains("parallel")
                : quantity
                    is not (
                        PlanQuantity.Cache
                        or PlanQuantity.Context
                        or PlanQuantity.Sequences
                        or PlanQuantity.TensorParallel
                        or PlanQuantity.PipelineParallel
                    );
    }

    /// <returns>The arguments in the order of the templates.</returns>
    /// <exception cref="ArgumentException">
    /// The model or serving name is empty, starts with '-' or contains a control character; or the preset has no place for
    /// what the spec states.
    /// </exception>
    /// <exception cref="OverflowException">Context times parallel sequences does not fit 64 bits.</exception>
    public ImmutableArray<string> Render(RuntimeSpec spec, string host, int port)
    {
        RequireArgument(spec.Model, "model");
        RequireArgument(spec.ServingName, "serving name");
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65_535);
        var plan = spec.PlanFor(Engine?.Name ?? Name);
        if (Unreachable(plan) is { } missing)
        {
            throw new ArgumentException(
                $"The preset '{Name}' has no place for {missing} in its arguments.",
                nameof(spec)
            );
        }

        if (!spec.ExtraArguments.IsEmpty && !TakesArguments)
        {
            throw new ArgumentException($"The preset '{Name}' takes no runtime arguments.", nameof(spec));
        }

        var source = ModelSource.Of(spec.Model);
        if (source.Revision is not null && Engine?.HasRevisions != true)
        {
            throw new ArgumentException($"The preset '{Name}' cannot load a revision of a model.", nameof(spec));
        }

        var arguments = ImmutableArray.CreateBuilder<string>(Arguments.Length + spec.ExtraArguments.Length);
        foreach (var template in Arguments)
        {
            arguments.AddRange(
                template switch
                {
                    PlanPart => Engine!.Print(plan),
                    SourcePart => Engine!.Source(source),
                    ArgumentsPart => spec.ExtraArguments,
                    _ => [Fill(template, name => Value(name, spec, plan, host, port))],
                }
            );
        }

        return arguments.ToImmutable();
    }

    /// <summary>The health path of one runtime.</summary>
    public string HealthPathOf(RuntimeSpec spec) =>
        HealthPath.Replace("{serving_name}", Uri.EscapeDataString(spec.ServingName), StringComparison.Ordinal);

    private bool Has(string part) => Arguments.Contains(part, StringComparer.Ordinal);

    private static bool IsPart(string argument) => argument is PlanPart or SourcePart or ArgumentsPart;

    private static string Value(string name, RuntimeSpec spec, LaunchPlan plan, string host, int port) =>
        name switch
        {
            "model" => spec.Model,
            "model_option" => ModelSource.Of(spec.Model).IsPath ? "--model" : "--hf-repo",
            "serving_name" => spec.ServingName,
            "context" => spec.ContextTokens.ToString(CultureInfo.InvariantCulture),
            "context_total" => checked(spec.ContextTokens * spec.ParallelSequences).ToString(
                CultureInfo.InvariantCulture
            ),
            "parallel" => (plan.SequencesAtOnce ?? plan.ParallelSequences).ToString(CultureInfo.InvariantCulture),
            "tp" => spec.TensorParallel.ToString(CultureInfo.InvariantCulture),
            "host" => host,
            "port" => port.ToString(CultureInfo.InvariantCulture),
            _ => throw new ArgumentException(
                $"Unknown placeholder '{name}'; check the preset with Faults().",
                nameof(name)
            ),
        };

    /// <summary>Refuses a leading dash: the runtime would parse the caller's model name as an option.</summary>
    private static void RequireArgument(string value, string what)
    {
        if (string.IsNullOrWhiteSpace(value) || value.StartsWith('-') || value.Any(char.IsControl))
        {
            throw new ArgumentException(
                $"The {what} '{OutputLines.Clean(value)}' must not be empty, start with '-' or hold control characters.",
                nameof(value)
            );
        }
    }

    /// <summary>One pass: braces inside a value are not expanded.</summary>
    private static string Fill(string template, Func<string, string> value)
    {
        var filled = new StringBuilder(template.Length + 16);
        var at = 0;
        foreach (var name in NamesIn(template))
        {
            var open = template.IndexOf("{" + name + "}", at, StringComparison.Ordinal);
            filled.Append(template, at, open - at).Append(value(name));
            at = open + name.Length + 2;
        }

        return filled.Append(template, at, template.Length - at).ToString();
    }

    private static List<string> NamesIn(string template)
    {
        var names = new List<string>();
        var open = template.IndexOf('{', StringComparison.Ordinal);
        while (open >= 0)
        {
            var close = template.IndexOf('}', open);
            if (close < 0)
            {
                break;
            }

            var inner = template.LastIndexOf('{', close);
            names.Add(template[(inner + 1)..close]);
            open = template.IndexOf('{', close);
        }

        return names;
    }
}

/// <summary>Request and response format of a runtime's tokenizer.</summary>
public enum TokenizeShape
{
    /// <summary>vLLM: <c>{"model", "prompt" | "messages"}</c> → <c>{"count", "max_model_len", "tokens"}</c>.</summary>
    Vllm = 0,

    /// <summary>llama-server: request <c>{"content"}</c>, response <c>{"tokens"}</c>.</summary>
    LlamaServer = 1,
}
