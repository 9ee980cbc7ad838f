using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>TensorRT-LLM's server with its PyTorch backend.</summary>
/// <remarks>
/// Source: <c>tensorrt_llm/commands/serve.py</c>, version 1. The cache's format and quantization are members of a YAML file, so
/// only published ones are loaded.
/// </remarks>
internal static class TensorRtEngine
{
    public static readonly Engine Engine = new()
    {
        Name = "trtllm-serve",
        Program = "trtllm-serve",
        Arguments = ["serve", "{source}", "{arguments}", "{plan}", "--host", "{host}", "--port", "{port}"],
        Source = source =>
            source.Revision is { } revision ? [source.Location, "--revision", revision] : [source.Location],
        DefaultAtOnce = 2048,
        PlanOptions =
        [
            PlanOption.Context("--max_seq_len"),
            PlanOption.AtOnce("--max_batch_size"),
            PlanOption.TensorParallel("--tensor_parallel_size|--tp_size"),
            // A share of what the weights leave. As a share of all memory it is more cautious, and simpler.
            PlanOption.Share("--kv_cache_free_gpu_memory_fraction|--free_gpu_memory_fraction"),
            PlanOption.Batch("--max_num_tokens"),
            new(
                PlanQuantity.WholeExperts,
                ["--moe_expert_parallel_size", "--ep_size"],
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
        ],
        Defaults = ImmutableDictionary<PlanQuantity, string>
            .Empty.Add(PlanQuantity.Weights, "It loads the published format.")
            .Add(PlanQuantity.Cache, "It takes the format that the model's files name.")
            .Add(PlanQuantity.Sequences, "The cache takes its share of what weights and activations leave.")
            .Add(PlanQuantity.PipelineParallel, "The default is 1: all GPUs share every layer.")
            .Add(PlanQuantity.Lora, "It has no option on the command line.")
            .Add(PlanQuantity.Draft, "It has no option on the command line."),
        Options =
        [
            .. KnownOption.Flags("--enable_chunked_prefill --fail_fast_on_attention_window_too_large"),
            .. KnownOption.WithValue("--num_postprocess_workers --reasoning_parser --tool_parser"),
            KnownOption.OneOf("--backend", "pytorch"),
            .. KnownOption.Own(
                """
                --host --port --tokenizer --custom_tokenizer --custom_module_dirs --log_level --trust_remote_code --revision
                --config|--extra_llm_api_options --metadata_server_config_file --server_role --otlp_traces_endpoint
                --disagg_cluster_uri --media_io_kwargs --chat_template --served_model_name --grpc
                """
            ),
            .. KnownOption.Unjudged(
                """
                --pipeline_parallel_size|--pp_size --context_parallel_size|--cp_size --moe_cluster_parallel_size|--cluster_size
                --gpus_per_node --max_beam_width
                """
            ),
        ],
        MetricsPath = "/prometheus/metrics",
        Image = "nvcr.io/nvidia/tensorrt-llm/release:1.1.0",
        EntrypointWords = 0,
        Hints = new()
        {
            Activations = "With TensorRT-LLM, lower --max_num_tokens or sequences_at_once.",
            Cache = "With TensorRT-LLM, lower sequences_at_once or change --kv_cache_free_gpu_memory_fraction.",
            Share = "pass a lower --kv_cache_free_gpu_memory_fraction in runtime_arguments",
            Context = "--max_seq_len of TensorRT-LLM",
            RemoteCode = "--trust_remote_code",
        },
    };
}
