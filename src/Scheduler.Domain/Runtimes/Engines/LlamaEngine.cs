using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>
/// llama.cpp's server. Its slots share one cache of <c>--ctx-size</c> tokens, so that is the context times the
/// sequences. Without <c>--kv-unified</c> each slot has an equal part of it.
/// </summary>
/// <remarks>Source: <c>tools/server/README.md</c> of llama.cpp, as of builds b6500 to b7500.</remarks>
internal static class LlamaEngine
{
    internal static readonly EngineOptions Words = new()
    {
        Activations = "With llama-server, a lower --ubatch-size or fewer --n-gpu-layers also saves GPU memory.",
        Cache = "With llama-server, kv_format q8 halves the cache.",
        Share = "pass fewer --n-gpu-layers in runtime_arguments",
        Host = ", or lower context_tokens: llama-server keeps what the GPU does not hold in main memory",
        Context = "--ctx-size of llama-server",
    };

    public static readonly Engine Engine = new()
    {
        Name = "llama-server",
        Program = "llama-server",
        // 999 layers are all layers. Without a GPU the option has no effect.
        Arguments =
        [
            "--n-gpu-layers",
            "999",
            "{arguments}",
            "{source}",
            "--alias",
            "{serving_name}",
            "{plan}",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ],
        Source = source => [source.IsPath ? "--model" : "--hf-repo", source.Location],
        HasRevisions = false,
        Reads = format => format == WeightFormat.Gguf,
        ReadsWords = "GGUF files",
        Caches = [KvFormat.Bf16, KvFormat.Q8, KvFormat.Q4],
        PlanOptions =
        [
            PlanOption.Number(
                PlanQuantity.Context,
                "--ctx-size|-c",
                Instances.SpecLimits.LargestContextTokens * Instances.SpecLimits.MostSequences,
                plan => checked(plan.ContextTokens * plan.ParallelSequences),
                (plan, tokens) =>
                    tokens % plan.ParallelSequences == 0
                        ? plan with
                        {
                            ContextTokens = tokens / plan.ParallelSequences,
                        }
                        : null
            ),
            new(
                PlanQuantity.SequencesAtOnce,
                ["--parallel", "-np"],
                plan => (plan.SequencesAtOnce ?? plan.ParallelSequences).ToString(CultureInfo.InvariantCulture),
                ReadParallel,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"a whole number from 1 to {Instances.SpecLimits.MostSequences}"
                )
            ),
            // More slots than full-length sequences share the cache.
            PlanOption.Flag(
                PlanQuantity.SequencesAtOnce,
                "--kv-unified|-kvu",
                plan => plan.SequencesAtOnce > plan.ParallelSequences,
                plan => plan
            ),
            CacheType("--cache-type-k|-ctk"),
            CacheType("--cache-type-v|-ctv"),
            PlanOption.Batch("--ubatch-size|-ub"),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Weights, "The file decides the format.")
            .Add(PlanQuantity.Sequences, "The option for the context has the tokens of all sequences together.")
            .Add(PlanQuantity.TensorParallel, "The default is 1: whole layers are distributed.")
            .Add(PlanQuantity.PipelineParallel, "The layers are distributed over all GPUs that the process sees.")
            .Add(PlanQuantity.WholeExperts, "Whole layers are distributed, with their experts.")
            .Add(PlanQuantity.MemoryShare, "It takes what it needs.")
            .Add(PlanQuantity.Lora, "Adapters are files; no option reserves room.")
            .Add(PlanQuantity.Draft, "Draft models are files; callers may not name them."),
        Options =
        [
            .. KnownOption.Flags(
                """
                --embedding|--embeddings --rerank|--reranking --jinja --no-jinja --cont-batching|-cb --no-cont-batching|-nocb
                --context-shift --no-context-shift --warmup --no-warmup --cache-prompt --no-cache-prompt
                --special|-sp --ignore-eos --swa-full --no-perf --perf --no-mmap --mlock --no-kv-offload|-nkvo --cpu-moe|-cmoe
                --no-mmproj --no-mmproj-offload --no-repack|-nr --spm-infill --no-webui --no-ui --no-slots
                --check-tensors --no-op-offload --reasoning-preserve --no-reasoning-preserve --backend-sampling|-bs
                """
            ),
            .. KnownOption.WithValue(
                """
                --threads|-t --threads-batch|-tb --threads-http --batch-size|-b --keep --predict|-n|--n-predict --seed|-s
                --temp|--temperature --top-k --top-p --min-p --top-nsigma|--top-n-sigma --xtc-probability
                --xtc-threshold --typical|--typical-p --repeat-last-n --repeat-penalty --presence-penalty
                --frequency-penalty --dry-multiplier --dry-base --dry-allowed-length --dry-penalty-last-n
                --dry-sequence-breaker --dynatemp-range --dynatemp-exp --mirostat --mirostat-lr --mirostat-ent
                --samplers --sampler-seq|--sampling-seq --logit-bias|-l --grammar --json-schema|-j --cache-reuse
                --ctx-checkpoints|-ctxcp|--swa-checkpoints --cache-ram|-cram --timeout|-to --sse-ping-interval
                --n-gpu-layers|--gpu-layers|-ngl --n-cpu-moe|-ncmoe --n-cpu-ffn|-ncffn --chat-template-kwargs
                --reasoning-budget --reasoning-format --reasoning-effort --image-min-tokens --image-max-tokens
                --embd-normalize --poll --poll-batch --prio --prio-batch --slot-prompt-similarity|-sps
                """
            ),
            KnownOption.OneOf("--flash-attn|-fa", "on auto"),
            KnownOption.OneOf("--pooling", "none mean cls last rank"),
            KnownOption.OneOf("--numa", "distribute isolate numactl"),
            KnownOption.OneOf("--split-mode|-sm", "layer"),
            .. KnownOption.Own(
                """
                --host --port --reuse-port --path --api-prefix --api-key --api-key-file --ssl-key-file --ssl-cert-file
                --cors-origins --cors-methods --cors-headers --cors-credentials --no-cors-credentials
                --alias|-a --tags --model|-m --model-url|-mu --docker-repo|-dr --hf-repo|-hf|-hfr --hf-file|-hff
                --hf-token|-hft --hf-repo-draft|-hfd|-hfrd --hf-repo-v|-hfv|-hfrv --hf-file-v|-hffv
                --model-draft|-md|--spec-draft-model --model-vocoder|-mv --lora --lora-scaled --control-vector
                --control-vector-scaled --control-vector-layer-range --mmproj|-mm --mmproj-url|-mmu
                --grammar-file --json-schema-file|-jf --chat-template --chat-template-file --lookup-cache-static|-lcs
                --lookup-cache-dynamic|-lcd --slot-save-path --media-path --models-dir --models-preset --models-max
                --models-autoload --no-models-autoload --video-ffmpeg-dir --log-file --log-disable --log-verbosity|--verbosity|-lv
                --verbose|--log-verbose|-v --log-jsonl --log-colors --log-prefix --log-timestamps --metrics --props --slots
                --webui --ui --webui-config|--ui-config --webui-config-file|--ui-config-file --webui-mcp-proxy|--ui-mcp-proxy
                --tools --tools-runtime --mcp-servers-config --mcp-servers-json --agent|-ag --rpc --offline
                --help|-h|--usage --version --license --list-devices --cache-list|-cl --completion-bash
                --device|-dev --cpu-mask|-C --cpu-range|-Cr --cpu-mask-batch|-Cb --cpu-range-batch|-Crb
                """
            ),
            .. KnownOption.Unjudged(
                """
                --fit|-fit --fit-target|-fitt --fit-ctx|-fitc --tensor-split|-ts --main-gpu|-mg --override-tensor|-ot
                --override-kv --rope-scaling --rope-scale --rope-freq-base --rope-freq-scale --yarn-orig-ctx
                --yarn-ext-factor --yarn-attn-factor --yarn-beta-slow --yarn-beta-fast --kv-unified-per-slot
                --no-kv-unified|-no-kvu --ctx-size-draft|-cd --cache-type-k-draft|-ctkd --cache-type-v-draft|-ctvd
                --gpu-layers-draft|-ngld|--n-gpu-layers-draft --device-draft|-devd --moe-cache-mib
                --mtmd-batch-max-tokens --mmproj-device|-mmdev --defrag-thold|-dt
                """
            ),
        ],
        MetricsPath = null,
        TokenizePath = "/tokenize",
        TokenizeShape = TokenizeShape.LlamaServer,
        Image = "ghcr.io/ggml-org/llama.cpp:server-cuda",
        KeyVariable = "LLAMA_API_KEY",
        EntrypointWords = 1,
        Hints = Words,
    };

    private static PlanOption CacheType(string names) =>
        PlanOption.Word(
            PlanQuantity.Cache,
            names,
            [(KvFormat.Q8, "q8_0"), (KvFormat.Q4, "q4_0")],
            plan => plan.Kv,
            (plan, format) => plan with { Kv = format }
        );

    private static LaunchPlan? ReadParallel(LaunchPlan plan, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var slots)
        && slots is >= 1 and <= Instances.SpecLimits.MostSequences
            ? plan with
            {
                SequencesAtOnce =
                    slots == (plan.SequencesAtOnce ?? plan.ParallelSequences) ? plan.SequencesAtOnce : slots,
            }
            : null;
}
