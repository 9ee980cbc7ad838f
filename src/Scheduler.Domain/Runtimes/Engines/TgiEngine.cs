using System.Collections.Immutable;
using System.Globalization;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>Hugging Face's text-generation-inference. It ignores the model's name in requests.</summary>
/// <remarks>
/// Source: <c>docs/source/reference/launcher.md</c>, version 3. Its parser (clap) refuses an option that is given twice, and
/// takes no abbreviations.
/// </remarks>
internal static class TgiEngine
{
    public static readonly Engine Engine = new()
    {
        Name = "tgi",
        Program = "text-generation-launcher",
        Arguments = ["{arguments}", "{source}", "{plan}", "--hostname", "{host}", "--port", "{port}"],
        Source = source =>
            source.Revision is { } revision
                ? ["--model-id", source.Location, "--revision", revision]
                : ["--model-id", source.Location],
        Converts = [WeightFormat.Fp8, WeightFormat.Int8],
        Caches = [KvFormat.Bf16, KvFormat.Fp8],
        DefaultAtOnce = 128,
        PlanOptions =
        [
            PlanOption.Context("--max-total-tokens"),
            // The longest prompt leaves one token for the answer.
            new(
                PlanQuantity.Context,
                ["--max-input-tokens", "--max-input-length"],
                plan => Math.Max(1, plan.ContextTokens - 1).ToString(CultureInfo.InvariantCulture),
                (plan, text) =>
                    text == Math.Max(1, plan.ContextTokens - 1).ToString(CultureInfo.InvariantCulture) ? plan : null,
                "one less than spec.context_tokens"
            ),
            PlanOption.AtOnce("--max-concurrent-requests"),
            PlanOption.TensorParallel("--num-shard"),
            PlanOption.Word<WeightFormat?>(
                PlanQuantity.Weights,
                "--quantize",
                [(WeightFormat.Fp8, "fp8"), (WeightFormat.Int8, "eetq")],
                plan => plan.Format,
                (plan, format) => plan with { Format = format }
            ),
            PlanOption.Word(
                PlanQuantity.Cache,
                "--kv-cache-dtype",
                [(KvFormat.Fp8, "fp8_e4m3fn"), (KvFormat.Fp8, "fp8_e5m2")],
                plan => plan.Kv,
                (plan, format) => plan with { Kv = format }
            ),
            PlanOption.Share("--cuda-memory-fraction"),
            PlanOption.Batch("--max-batch-prefill-tokens"),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Sequences, "The cache takes all memory that weights and activations leave.")
            .Add(PlanQuantity.PipelineParallel, "It has none: all GPUs share every layer.")
            .Add(PlanQuantity.WholeExperts, "It has none: every GPU has a slice of every expert.")
            .Add(PlanQuantity.Lora, "Its adapters come from a list of ids; callers may not name it.")
            .Add(PlanQuantity.Draft, "It guesses by look-up or with heads of the model itself."),
        Options =
        [
            .. KnownOption.Flags("--disable-custom-kernels --disable-grammar-support --json-output"),
            .. KnownOption.WithValue(
                """
                --validation-workers --max-best-of --max-stop-sequences --max-top-n-tokens --waiting-served-ratio
                --max-waiting-tokens --max-batch-size --cuda-graphs --watermark-gamma --watermark-delta
                --max-client-batch-size --payload-limit --speculate --usage-stats
                """
            ),
            KnownOption.OneOf("--dtype", "float16 bfloat16"),
            .. KnownOption.Own(
                """
                --hostname --port|-p --model-id --revision --trust-remote-code --shard-uds-path --master-addr --master-port
                --huggingface-hub-cache --weights-cache-override --otlp-endpoint --otlp-service-name --cors-allow-origin
                --api-key --ngrok --ngrok-authtoken --ngrok-edge --tokenizer-config-path --lora-adapters --env|-e --help|-h
                --version|-V --prometheus-port
                """
            ),
            .. KnownOption.Unjudged(
                "--sharded --max-batch-total-tokens --rope-scaling --rope-factor --enable-prefill-logprobs"
            ),
        ],
        Image = "ghcr.io/huggingface/text-generation-inference:3.3.4",
        KeyVariable = "API_KEY",
        EntrypointWords = 1,
        Hints = new()
        {
            Activations = "With TGI, a lower --max-batch-prefill-tokens saves memory.",
            Cache = "With TGI, lower --max-batch-prefill-tokens or context_tokens.",
            Share = "pass a lower --cuda-memory-fraction in runtime_arguments",
            Context = "--max-total-tokens of TGI",
            Quantization = " (--quantize)",
        },
    };
}
