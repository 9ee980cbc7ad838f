using System.Collections.Immutable;
using System.Globalization;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>
/// Ollama: llama.cpp behind a server that keeps many models. The preset pulls one and gives it the serving name; until then
/// the health path answers 404.
/// </summary>
/// <remarks>
/// Sources: <c>docs/faq.md</c> and <c>envconfig/config.go</c>, version 0.12; its options are environment variables. Ids of
/// the hub get the prefix <c>hf.co/</c>; a name without an owner is one of Ollama's own library.
/// </remarks>
internal static class OllamaEngine
{
    /// <summary><c>$1</c> is the model, <c>$2</c> the serving name. The script ends when the server does.</summary>
    private const string Script = """
        ollama serve & server=$!
        trap 'kill "$server"' TERM INT
        until ollama list > /dev/null 2>&1; do kill -0 "$server" || exit 1; sleep 0.2; done
        if ! ollama pull "$1" || ! ollama cp "$1" "$2"; then kill "$server"; exit 1; fi
        wait "$server"
        """;

    public static readonly Engine Engine = new()
    {
        Name = "ollama",
        Program = "env",
        Arguments = ["OLLAMA_HOST={host}:{port}", "{plan}", "sh", "-c", Script, "ollama", "{source}", "{serving_name}"],
        Source = source =>
            [source.Location.Contains('/', StringComparison.Ordinal) ? $"hf.co/{source.Location}" : source.Location],
        HasRevisions = false,
        Reads = format => format == WeightFormat.Gguf,
        ReadsWords = "GGUF files",
        Caches = [KvFormat.Bf16, KvFormat.Q8, KvFormat.Q4],
        PlanOptions =
        [
            Variable(
                PlanQuantity.Context,
                "OLLAMA_CONTEXT_LENGTH",
                plan => plan.ContextTokens.ToString(CultureInfo.InvariantCulture)
            ),
            // It allocates the context for each of them.
            Variable(
                PlanQuantity.Sequences,
                "OLLAMA_NUM_PARALLEL",
                plan => plan.ParallelSequences.ToString(CultureInfo.InvariantCulture)
            ),
            Variable(
                PlanQuantity.Cache,
                "OLLAMA_KV_CACHE_TYPE",
                plan =>
                    plan.Kv == KvFormat.Q8 ? "q8_0"
                    : plan.Kv == KvFormat.Q4 ? "q4_0"
                    : null
            ),
            Variable(PlanQuantity.Cache, "OLLAMA_FLASH_ATTENTION", _ => "1"),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Weights, "The file decides the format.")
            .Add(PlanQuantity.SequencesAtOnce, "As many as parallel_sequences: each has its own part of the cache.")
            .Add(PlanQuantity.TensorParallel, "The default is 1: whole layers are distributed.")
            .Add(PlanQuantity.PipelineParallel, "The layers are distributed over all GPUs that the process sees.")
            .Add(PlanQuantity.WholeExperts, "Whole layers are distributed, with their experts.")
            .Add(PlanQuantity.MemoryShare, "It takes what it needs.")
            .Add(PlanQuantity.BatchTokens, "The default is 512.")
            .Add(PlanQuantity.Lora, "Adapters are part of a model.")
            .Add(PlanQuantity.Draft, "It has none."),
        HealthPath = "/v1/models/{serving_name}",
        MetricsPath = null,
        Image = "ollama/ollama:0.12.6",
        Hints = LlamaEngine.Words with
        {
            Activations = null,
            Cache = "With Ollama, kv_format q8 halves the cache.",
            Share = "choose a GPU without other processes",
            Host = ", or lower context_tokens",
            Context = "OLLAMA_CONTEXT_LENGTH",
        },
    };

    /// <summary>An argument of <c>env</c>. Callers have no arguments here, so it is never read.</summary>
    private static PlanOption Variable(PlanQuantity quantity, string name, Func<LaunchPlan, string?> print) =>
        new(quantity, [name], print, (_, _) => null, "") { IsVariable = true };
}
