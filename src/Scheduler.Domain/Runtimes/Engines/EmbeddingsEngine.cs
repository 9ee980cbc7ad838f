using System.Collections.Immutable;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>Hugging Face's text-embeddings-inference: encoders on one GPU. It ignores the model's name in requests.</summary>
/// <remarks>Source: <c>docs/source/en/cli_arguments.md</c>, version 1.8.</remarks>
internal static class EmbeddingsEngine
{
    public static readonly Engine Engine = new()
    {
        Name = "tei",
        Program = "text-embeddings-router",
        Arguments = ["{arguments}", "{source}", "{plan}", "--hostname", "{host}", "--port", "{port}"],
        Source = source =>
            source.Revision is { } revision
                ? ["--model-id", source.Location, "--revision", revision]
                : ["--model-id", source.Location],
        Reads = format => format is WeightFormat.Bf16 or WeightFormat.Fp32,
        ReadsWords = "weights in 16 or 32 bits",
        Converts = [WeightFormat.Bf16, WeightFormat.Fp32],
        DefaultAtOnce = 512,
        PlanOptions =
        [
            PlanOption.AtOnce("--max-concurrent-requests"),
            PlanOption.Word<WeightFormat?>(
                PlanQuantity.Weights,
                "--dtype",
                [(WeightFormat.Bf16, "float16"), (WeightFormat.Fp32, "float32")],
                plan => plan.Format,
                (plan, format) => plan with { Format = format }
            ),
            PlanOption.Batch("--max-batch-tokens"),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Cache, "Encoders keep no cache.")
            .Add(PlanQuantity.Context, "The model's own limit holds; the gateway refuses more than the spec says.")
            .Add(PlanQuantity.Sequences, "Encoders keep no sequences between steps.")
            .Add(PlanQuantity.TensorParallel, "It runs on one GPU.")
            .Add(PlanQuantity.PipelineParallel, "It runs on one GPU.")
            .Add(PlanQuantity.WholeExperts, "It runs on one GPU.")
            .Add(PlanQuantity.MemoryShare, "It takes what it needs.")
            .Add(PlanQuantity.Lora, "It has no adapters.")
            .Add(PlanQuantity.Draft, "It generates nothing."),
        Options =
        [
            .. KnownOption.Flags("--auto-truncate --json-output"),
            .. KnownOption.WithValue(
                "--tokenization-workers --max-batch-requests --max-client-batch-size --default-prompt --default-prompt-name --payload-limit"
            ),
            KnownOption.OneOf("--pooling", "cls mean splade last-token"),
            .. KnownOption.Own(
                """
                --hostname --port|-p --model-id --served-model-name --revision --uds-path --huggingface-hub-cache --hf-api-token
                --hf-token --api-key --otlp-endpoint --otlp-service-name --cors-allow-origin --prometheus-port
                --dense-path --disable-spans --help|-h --version|-V
                """
            ),
        ],
        Image = "ghcr.io/huggingface/text-embeddings-inference:1.8",
        KeyVariable = "API_KEY",
        EntrypointWords = 1,
        Hints = new()
        {
            Activations = "With text-embeddings-inference, a lower --max-batch-tokens saves memory.",
            Cache = "With text-embeddings-inference, a lower --max-batch-tokens saves memory.",
            Context = "the input limit of text-embeddings-inference",
        },
    };
}
