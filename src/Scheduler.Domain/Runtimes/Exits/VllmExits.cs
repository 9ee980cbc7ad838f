using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How vLLM ends. Sources: paths in the project vllm-project/vllm, versions 0.6 to 0.20.</summary>
internal static class VllmExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(GpuCache, "No available memory for the cache blocks", "vllm/v1/core/kv_cache_utils.py"),
        new(GpuCache, "larger than the available KV cache memory", "vllm/v1/core/kv_cache_utils.py"),
        new(GpuCache, "maximum number of tokens that can be stored in KV cache", "vllm/worker/worker.py"),
        new(GpuCache, "KV cache is needed, which is larger than", "vllm/v1/core/kv_cache_utils.py"),
        new(GpuMemoryOccupied, "less than desired GPU memory utilization", "vllm/v1/worker/utils.py"),
        new(GpuMemory, "out of memory occurred when warming up sampler", "vllm/v1/worker/gpu_model_runner.py"),
        new(GpuMemory, "CUDA Error: out of memory", "csrc/cumem_allocator.cpp"),
        new(HostMemory, "Too large swap space", "vllm/config/cache.py"),
        new(ModelDamaged, "Attempted to load weight", "vllm/model_executor/parameter.py"),
        new(ModelDamaged, "KeyError: 'layers.", "vllm/model_executor/models: load_weights"),
        new(ModelDamaged, "KeyError: 'model.layers.", "vllm/model_executor/models: load_weights"),
        new(ModelFileMissing, "Cannot find any model weights", "vllm/model_executor/model_loader/default_loader.py"),
        new(
            ModelFileMissing,
            "weights were not initialized from checkpoint",
            "vllm/model_executor/model_loader/default_loader.py"
        ),
        new(ModelDamaged, "There is no module or parameter named", "vllm/model_executor/models/utils.py"),
        new(ModelArchitecture, "are not supported for now", "vllm/model_executor/models/registry.py"),
        new(ModelArchitecture, "has no vLLM implementation", "vllm/model_executor/models/registry.py"),
        new(
            ModelArchitecture,
            "failed to be inspected",
            "vllm/model_executor/models/registry.py",
            "Model architectures"
        ),
        new(ModelArchitecture, "No model architectures are specified", "vllm/config/model.py"),
        new(ModelQuantization, "Unknown quantization method", "vllm/model_executor/layers/quantization/__init__.py"),
        new(ModelQuantization, "Invalid quantization method", "vllm/model_executor/layers/quantization/__init__.py"),
        new(ModelQuantization, "does not match the quantization method specified in the", "vllm/config/model.py"),
        new(ModelQuantization, "quantization is currently not supported in", "vllm/config/model.py"),
        new(ModelQuantization, "Cannot find the config file for", "vllm/model_executor/model_loader/weight_utils.py"),
        new(
            ModelSplit,
            "is not divisible by weight quantization block",
            "vllm/model_executor/layers/quantization/fp8.py"
        ),
        new(
            ModelSplit,
            "is not aligned with the quantized weight shape",
            "vllm/model_executor/layers/quantization/awq.py"
        ),
        new(ModelSplit, "must be divisible by tensor parallel size", "vllm/config/model.py"),
        new(
            ModelSplit,
            "is not divisible by min_thread_",
            "vllm/model_executor/layers/quantization/utils/marlin_utils.py"
        ),
        new(
            ModelGpuTooOld,
            "is not supported for the current GPU. Minimum capability",
            "vllm/model_executor/model_loader/utils.py"
        ),
        new(ModelGpuTooOld, "is only supported on GPUs with compute capability", "vllm/platforms/cuda.py"),
        new(ModelCode, "contains custom code which must be executed", "transformers/dynamic_module_utils.py"),
        new(ModelCode, "trust_remote_code=True", "vllm/transformers_utils/config.py", "Failed to load"),
        new(Context, "is greater than the derived max_model_len", "vllm/config/model.py"),
        new(Arguments, "error: unrecognized arguments", "argparse of Python"),
        new(Arguments, "error: argument --", "argparse of Python"),
    ];
}
