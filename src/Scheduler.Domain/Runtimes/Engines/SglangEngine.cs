using System.Collections.Immutable;
using System.Globalization;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>SGLang's server.</summary>
/// <remarks>
/// Sources: <c>docs/advanced_features/server_arguments.md</c> and <c>python/sglang/srt/server_args.py</c>, version 0.5. It
/// computes as many requests together as its cache admits, so nothing is printed for the default.
/// </remarks>
internal static class SglangEngine
{
    private const string KeyName = "SCHEDULER_RUNTIME_KEY";

    /// <summary>
    /// SGLang reads its key from an option only. So Python adds the option inside the process, where no command line shows it, and
    /// removes the variable. The rest is what <c>-m sglang.launch_server</c> does.
    /// </summary>
    private const string Launcher =
        $"import os, runpy, sys; key = os.environ.pop('{KeyName}', None); "
        + "sys.argv += ['--api-key', key] if key else []; "
        + "runpy.run_module('sglang.launch_server', run_name='__main__', alter_sys=True)";

    public static readonly Engine Engine = new()
    {
        Name = "sglang",
        Program = "python3",
        Arguments =
        [
            "-c",
            Launcher,
            "{arguments}",
            "{source}",
            "--served-model-name",
            "{serving_name}",
            "{plan}",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ],
        Source = source =>
            source.Revision is { } revision
                ? ["--model-path", source.Location, "--revision", revision]
                : ["--model-path", source.Location],
        Converts = [WeightFormat.Fp8],
        Caches = [KvFormat.Bf16, KvFormat.Fp8],
        DefaultAtOnce = 256,
        PlanOptions =
        [
            PlanOption.Context("--context-length"),
            PlanOption.AtOnce("--max-running-requests"),
            PlanOption.TensorParallel("--tensor-parallel-size|--tp-size|--tp"),
            PlanOption.Word<WeightFormat?>(
                PlanQuantity.Weights,
                "--quantization",
                [(WeightFormat.Fp8, "fp8")],
                plan => plan.Format,
                (plan, format) => plan with { Format = format }
            ),
            PlanOption.Word(
                PlanQuantity.Cache,
                "--kv-cache-dtype",
                [(KvFormat.Fp8, "fp8_e5m2"), (KvFormat.Fp8, "fp8_e4m3")],
                plan => plan.Kv,
                (plan, format) => plan with { Kv = format }
            ),
            PlanOption.Share("--mem-fraction-static"),
            PlanOption.Batch("--chunked-prefill-size"),
            // Its only value besides 1 is the number of GPUs.
            new(
                PlanQuantity.WholeExperts,
                ["--expert-parallel-size", "--ep-size", "--ep"],
                plan => plan.HasWholeExperts ? plan.TensorParallel.ToString(CultureInfo.InvariantCulture) : null,
                (plan, text) =>
                    text == plan.TensorParallel.ToString(CultureInfo.InvariantCulture)
                        ? plan with
                        {
                            HasWholeExperts = true,
                        }
                        : null,
                "the number of GPUs, which spec.constraints.gpu_count states"
            ),
            .. PlanOption.Lora("--enable-lora", "--max-loras-per-batch", "--max-lora-rank"),
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Sequences, "The cache takes all memory of its share that the weights leave.")
            .Add(PlanQuantity.PipelineParallel, "The default is 1: all GPUs share every layer.")
            .Add(PlanQuantity.Draft, "The default is none; callers may not name one."),
        Options =
        [
            .. KnownOption.Flags(
                """
                --disable-radix-cache --disable-cuda-graph --enable-mixed-chunk --enable-torch-compile --is-embedding
                --disable-overlap-schedule --enable-p2p-check --disable-custom-all-reduce --skip-server-warmup
                --enable-multimodal --enable-cache-report --schedule-low-priority-values-first
                """
            ),
            .. KnownOption.WithValue(
                """
                --random-seed --tool-call-parser --reasoning-parser --schedule-policy --schedule-conservativeness
                --watchdog-timeout --stream-interval --max-prefill-tokens --sampling-defaults --max-queued-requests
                """
            ),
            KnownOption.OneOf("--dtype", "auto half float16 bfloat16"),
            KnownOption.OneOf("--tokenizer-mode", "auto slow"),
            KnownOption.OneOf("--load-format", "auto safetensors pt gguf dummy"),
            KnownOption.OneOf("--grammar-backend", "xgrammar outlines llguidance none"),
            KnownOption.OneOf("--sampling-backend", "flashinfer pytorch"),
            .. KnownOption.Own(
                """
                --host --port --api-key --admin-api-key --served-model-name --model-path|--model --tokenizer-path --revision
                --trust-remote-code --config --chat-template --completion-template --hf-chat-template-name --download-dir
                --lora-paths --log-level --log-level-http --log-requests --log-requests-level --crash-dump-folder
                --ssl-keyfile --ssl-certfile --ssl-ca-certs --fastapi-root-path --file-storage-path --grpc-mode --uds
                --dist-init-addr|--nccl-init-addr --nccl-port --nnodes --node-rank --base-gpu-id --gpu-id-step
                --enable-custom-logit-processor --enable-metrics --enable-trace --otlp-traces-endpoint
                --export-metrics-to-file --export-metrics-to-file-dir --model-loader-extra-config --hicache-storage-backend
                --hicache-storage-backend-extra-config --disaggregation-mode --tool-server --forward-hooks
                --weight-loader-disable-mmap --custom-weight-loader --remote-instance-weight-loader-seed-instance-ip
                --debug-tensor-dump-output-folder --debug-tensor-dump-input-file --ktransformers-weight-path
                --speculative-token-map --quantization-param-path --moe-runner-backend-config --allow-auto-truncate
                """
            ),
            .. KnownOption.Unjudged(
                """
                --pipeline-parallel-size|--pp-size --data-parallel-size|--dp-size --enable-dp-attention --page-size
                --max-total-tokens --cuda-graph-max-bs --cuda-graph-bs --speculative-algorithm
                --speculative-draft-model-path|--speculative-draft-model --speculative-num-steps --speculative-eagle-topk
                --speculative-num-draft-tokens --json-model-override-args --cpu-offload-gb --enable-hierarchical-cache
                --hicache-ratio --hicache-size --swa-full-tokens-ratio --mamba-full-memory-ratio --max-loaded-loras
                --lora-target-modules --torchao-config --device --attention-backend --moe-a2a-backend
                --ep-num-redundant-experts --enable-eplb --kv-cache-dtype-draft
                """
            ),
        ],
        // SGLang has metrics only with --enable-metrics.
        MetricsPath = null,
        Image = "lmsysorg/sglang:v0.5.5",
        KeyVariable = KeyName,
        EntrypointWords = 0,
        Hints = new()
        {
            Activations = "With SGLang, a lower --chunked-prefill-size or --mem-fraction-static saves memory.",
            Cache = "With SGLang, a higher --mem-fraction-static or kv_format fp8 gives the cache more room.",
            Share = "pass a lower --mem-fraction-static in runtime_arguments",
            Context = "--context-length of SGLang",
            Quantization = " (--quantization)",
        },
    };
}
