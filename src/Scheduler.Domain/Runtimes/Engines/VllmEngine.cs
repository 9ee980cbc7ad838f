using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>vLLM's OpenAI-compatible server. Its context is per sequence.</summary>
/// <remarks>
/// Sources: <c>vllm/engine/arg_utils.py</c>, <c>entrypoints/openai/cli_args.py</c> and <c>config</c> of versions 0.8 to 0.15.
/// CVE-2026-24779 (the server fetches addresses that a prompt names) is corrected in 0.14.1.
/// </remarks>
internal static class VllmEngine
{
    public static readonly Engine Engine = new()
    {
        Name = "vllm",
        Program = "vllm",
        Arguments =
        [
            "serve",
            "{source}",
            "{arguments}",
            "--served-model-name",
            "{serving_name}",
            "{plan}",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ],
        Source = source =>
            source.Revision is { } revision ? [source.Location, "--revision", revision] : [source.Location],
        // Weights in 16 bits are quantized while they load; other methods need a quantized checkpoint.
        Converts = [WeightFormat.Fp8, WeightFormat.Fp32],
        Caches = [KvFormat.Bf16, KvFormat.Fp8],
        DefaultAtOnce = 256,
        PlanOptions =
        [
            PlanOption.Context("--max-model-len"),
            PlanOption.AtOnce("--max-num-seqs"),
            PlanOption.TensorParallel("--tensor-parallel-size|-tp"),
            PlanOption.Word<WeightFormat?>(
                PlanQuantity.Weights,
                "--quantization|-q",
                [(WeightFormat.Fp8, "fp8")],
                plan => plan.Format,
                (plan, format) => plan with { Format = format }
            ),
            PlanOption.Word<WeightFormat?>(
                PlanQuantity.Weights,
                "--dtype",
                [(WeightFormat.Fp32, "float32"), (WeightFormat.Fp32, "float")],
                plan => plan.Format,
                (plan, format) => plan with { Format = format }
            ),
            PlanOption.Word(
                PlanQuantity.Cache,
                "--kv-cache-dtype",
                [(KvFormat.Fp8, "fp8"), (KvFormat.Fp8, "fp8_e4m3"), (KvFormat.Fp8, "fp8_e5m2")],
                plan => plan.Kv,
                (plan, format) => plan with { Kv = format }
            ),
            PlanOption.Share("--gpu-memory-utilization"),
            PlanOption.Batch("--max-num-batched-tokens"),
            PlanOption.Flag(
                PlanQuantity.WholeExperts,
                "--enable-expert-parallel|-ep",
                plan => plan.HasWholeExperts,
                plan => plan with { HasWholeExperts = true }
            ),
            .. PlanOption.Lora("--enable-lora", "--max-loras", "--max-lora-rank"),
            new(
                PlanQuantity.Draft,
                ["--speculative-config", "-sc"],
                PrintDraft,
                ReadDraft,
                """{"method":"ngram","num_speculative_tokens":N}, or {"model":"NAME","num_speculative_tokens":N} with a model of the shipped catalogue"""
            ),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Sequences, "The cache takes all memory that weights and activations leave.")
            .Add(PlanQuantity.PipelineParallel, "The default is 1: all GPUs share every layer."),
        Options =
        [
            .. KnownOption.Flags(
                """
                --enforce-eager --enable-prefix-caching --no-enable-prefix-caching --enable-chunked-prefill
                --no-enable-chunked-prefill --disable-sliding-window --enable-auto-tool-choice --enable-prompt-tokens-details
                --enable-force-include-usage --exclude-tools-when-tool-choice-none --return-tokens-as-token-ids
                --disable-log-stats --disable-log-requests --disable-cascade-attn --disable-custom-all-reduce
                --async-scheduling --no-async-scheduling --calculate-kv-scales --fully-sharded-loras
                --disable-frontend-multiprocessing --disable-fastapi-docs --disable-chunked-mm-input
                """
            ),
            .. KnownOption.WithValue(
                """
                --seed --max-logprobs --tool-call-parser --reasoning-parser --response-role
                --override-generation-config --default-chat-template-kwargs --limit-mm-per-prompt --mm-processor-kwargs
                --swap-space --cpu-offload-gb --max-seq-len-to-capture --long-prefill-token-threshold
                --max-num-partial-prefills --max-long-partial-prefills --override-pooler-config --pooler-config
                --stream-interval --max-cpu-loras --max-parallel-loading-workers --num-lookahead-slots
                """
            ),
            KnownOption.OneOf("--runner", "auto generate pooling"),
            KnownOption.OneOf("--task", "auto generate embed embedding classify score reward"),
            KnownOption.OneOf("--convert", "auto none embed classify reward"),
            KnownOption.OneOf("--tokenizer-mode", "auto slow mistral"),
            KnownOption.OneOf("--load-format", "auto safetensors pt mistral gguf dummy"),
            KnownOption.OneOf("--config-format", "auto hf mistral"),
            KnownOption.OneOf("--generation-config", "auto vllm"),
            KnownOption.OneOf("--scheduling-policy", "fcfs priority"),
            KnownOption.OneOf("--chat-template-content-format", "auto string openai"),
            KnownOption.OneOf("--prefix-caching-hash-algo", "builtin sha256 sha256_cbor"),
            KnownOption.OneOf("--guided-decoding-backend", "auto xgrammar guidance outlines lm-format-enforcer"),
            KnownOption.OneOf("--lora-dtype", "auto float16 bfloat16"),
            KnownOption.Many("--lora-modules", ModelSource.IsNamedHubId, "name=owner/name of adapters at the hub"),
            .. KnownOption.Own(
                """
                --host --port --uds --api-key --served-model-name --model --tokenizer --tokenizer-revision --revision
                --code-revision --hf-config-path --hf-token --config --trust-remote-code --allowed-local-media-path
                --allowed-media-domains --download-dir --chat-template --trust-request-chat-template
                --tool-parser-plugin --reasoning-parser-plugin --tool-server --log-config-file --max-log-len
                --enable-log-requests --enable-log-outputs --uvicorn-log-level --disable-uvicorn-access-log
                --disable-access-log-for-endpoints --ssl-keyfile --ssl-certfile --ssl-ca-certs --ssl-cert-reqs
                --ssl-ciphers --enable-ssl-refresh --root-path --middleware --allow-credentials --allowed-origins
                --allowed-methods --allowed-headers --io-processor-plugin --logits-processors
                --logits-processor-pattern --worker-cls --worker-extension-cls --scheduler-cls
                --distributed-executor-backend --data-parallel-address|-dpa --data-parallel-rpc-port|-dpp
                --data-parallel-backend|-dpb --master-addr --master-port --node-rank|-r --nnodes|-n
                --kv-transfer-config --kv-events-config --ec-transfer-config --otlp-traces-endpoint
                --collect-detailed-traces --show-hidden-metrics-for-version --enable-tokenizer-info-endpoint
                --enable-request-id-headers --api-server-count|-asc --headless --model-loader-extra-config
                --ignore-patterns --compilation-config|-O|-cc --additional-config --profiler-config
                --enable-sleep-mode --enable-offline-docs --h11-max-incomplete-event-size --h11-max-header-count
                """
            ),
            .. KnownOption.Unjudged(
                """
                --pipeline-parallel-size|-pp --data-parallel-size|-dp --data-parallel-size-local|-dpl
                --data-parallel-rank|-dpn --decode-context-parallel-size|-dcp --prefill-context-parallel-size|-pcp
                --block-size --num-gpu-blocks-override --kv-cache-memory-bytes --hf-overrides --rope-scaling --rope-theta
                --enable-dbo --enable-eplb --num-redundant-experts --eplb-config --mm-encoder-tp-mode
                --skip-mm-profiling --cuda-graph-sizes --cudagraph-capture-sizes --max-cudagraph-capture-size
                --mamba-cache-dtype --mamba-ssm-cache-dtype --kv-offloading-size --kv-offloading-backend
                --long-lora-scaling-factors --lora-extra-vocab-size --model-impl --attention-backend
                """
            ),
        ],
        TokenizePath = "/tokenize",
        TokenizeShape = TokenizeShape.Vllm,
        Image = "vllm/vllm-openai:v0.15.1",
        // It guards the paths below /v1 only: /tokenize, /invocations and others answer everyone.
        KeyVariable = "VLLM_API_KEY",
        EntrypointWords = 2,
        Hints = new()
        {
            Activations = "With vLLM, a lower --max-num-batched-tokens or --enforce-eager also saves memory.",
            Cache = "With vLLM, a higher --gpu-memory-utilization or kv_format fp8 gives the cache more room.",
            Share = "pass a lower --gpu-memory-utilization in runtime_arguments",
            Host = ", or pass a lower --swap-space to vLLM",
            Context = "--max-model-len of vLLM",
            Quantization = " (--quantization)",
        },
    };

    private static string? PrintDraft(LaunchPlan plan) =>
        plan.Draft is not { } draft ? null
        : draft.Model is null
            ? string.Create(
                CultureInfo.InvariantCulture,
                $$"""{"method":"ngram","num_speculative_tokens":{{draft.Tokens}}}"""
            )
        : string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"model":{{JsonSerializer.Serialize(draft.Model)}},"num_speculative_tokens":{{draft.Tokens}}}"""
        );

    private static LaunchPlan? ReadDraft(LaunchPlan plan, string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var members = json
                .RootElement.EnumerateObject()
                .ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal);
            if (
                members.Count != 2
                || !members.TryGetValue("num_speculative_tokens", out var tokens)
                || !tokens.TryGetInt32(out var count)
                || count is < 1 or > DraftModel.MostTokens
            )
            {
                return null;
            }

            var model = members.TryGetValue("model", out var named) ? named.GetString() : null;
            return model is not null
                ? ModelCatalogue.Find(model) is null
                    ? null
                    : plan with
                    {
                        Draft = new DraftModel(model, count),
                    }
                : members.TryGetValue("method", out var method) && method.GetString() == "ngram"
                    ? plan with
                    {
                        Draft = new DraftModel(null, count),
                    }
                    : null;
        }
        catch (Exception exception)
            when (exception is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            // No JSON, a member twice, or one of another type.
            return null;
        }
    }
}
