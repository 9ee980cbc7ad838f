using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Scheduler.Domain.Runtimes;

/// <summary>
/// How to start and call one kind of runtime: its program, a template of its arguments, and the paths of its HTTP API.
/// Arguments are rendered one by one and passed to the system as a list; no shell parses them.
/// </summary>
/// <remarks>
/// Placeholders: <c>{model}</c>, <c>{serving_name}</c>, <c>{context}</c> (tokens per sequence), <c>{parallel}</c>,
/// <c>{tp}</c>, <c>{host}</c>, <c>{port}</c>. <c>{context_total}</c> is the tokens of all parallel sequences together.
/// <c>{model_option}</c> is <c>--model</c> for a path or a <c>.gguf</c> file, and <c>--hf-repo</c> for a Hugging Face id.
/// Any other name in braces is an error that <see cref="Faults"/> reports before the preset is used.
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

    public required string Name { get; init; }

    /// <summary>A name on the host's PATH or an absolute path. In a container: the entry point.</summary>
    public required string Program { get; init; }

    /// <summary>Templates; each becomes exactly one argument.</summary>
    public ImmutableArray<string> Arguments { get; init; } = [];

    /// <summary>Path that returns 200 once the runtime can serve.</summary>
    public string HealthPath { get; init; } = "/health";

    /// <summary>Path of the runtime's own tokenizer; null when it has none.</summary>
    public string? TokenizePath { get; init; }

    public TokenizeShape TokenizeShape { get; init; }

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

        foreach (var argument in Arguments)
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

    /// <returns>The preset's arguments, then the spec's extra ones.</returns>
    /// <exception cref="ArgumentException">
    /// The model or serving name is empty, starts with '-' or contains a control character.
    /// </exception>
    /// <exception cref="OverflowException">Context times parallel sequences does not fit 64 bits.</exception>
    public ImmutableArray<string> Render(RuntimeSpec spec, string host, int port)
    {
        RequireArgument(spec.Model, "model");
        RequireArgument(spec.ServingName, "serving name");
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65_535);
        var arguments = ImmutableArray.CreateBuilder<string>(Arguments.Length + spec.ExtraArguments.Length);
        foreach (var template in Arguments)
        {
            arguments.Add(Fill(template, name => Value(name, spec, host, port)));
        }

        arguments.AddRange(spec.ExtraArguments);
        return arguments.ToImmutable();
    }

    private static string Value(string name, RuntimeSpec spec, string host, int port) =>
        name switch
        {
            "model" => spec.Model,
            "model_option" => IsPath(spec.Model) ? "--model" : "--hf-repo",
            "serving_name" => spec.ServingName,
            "context" => spec.ContextTokens.ToString(CultureInfo.InvariantCulture),
            "context_total" => checked(spec.ContextTokens * spec.ParallelSequences).ToString(
                CultureInfo.InvariantCulture
            ),
            "parallel" => spec.ParallelSequences.ToString(CultureInfo.InvariantCulture),
            "tp" => spec.TensorParallel.ToString(CultureInfo.InvariantCulture),
            "host" => host,
            "port" => port.ToString(CultureInfo.InvariantCulture),
            _ => throw new ArgumentException(
                $"Unknown placeholder '{name}'; check the preset with Faults().",
                nameof(name)
            ),
        };

    private static bool IsPath(string model) =>
        model.StartsWith('/') || model.StartsWith('.') || model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

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
