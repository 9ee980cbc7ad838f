using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How TensorRT-LLM and Triton end. Sources: paths in NVIDIA/TensorRT-LLM, and TensorRT's messages.</summary>
internal static class TensorRtExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(GpuMemory, "due to insufficient GPU memory", "tensorrt_llm/_torch/pyexecutor/py_executor_creator.py"),
        new(GpuMemory, "Requested amount of GPU memory", "TensorRT: Error Code 2: OutOfMemory"),
        new(GpuMemory, "Error Code 2: OutOfMemory", "TensorRT: error codes"),
        new(GpuCache, "There is not enough GPU memory for the KV cache", "cpp/tensorrt_llm/batch_manager"),
        new(GpuCache, "No enough memory for kv cache", "tensorrt_llm/_torch/pyexecutor/resource_manager.py"),
        new(ModelDamaged, "Failed to deserialize cuda engine", "cpp/tensorrt_llm/runtime/tllmRuntime.cpp"),
        new(ModelDamaged, "engine plan file is not compatible", "TensorRT: deserialization"),
        new(ModelDamaged, "Engine deserialization failed", "TensorRT: deserialization"),
        new(
            ModelArchitecture,
            "Unknown architecture for AutoModelForCausalLM",
            "tensorrt_llm/_torch/models/modeling_auto.py"
        ),
        new(ModelArchitecture, "Unsupported model architecture", "tensorrt_llm/models/automodel.py"),
        new(ModelQuantization, "Unsupported quantization", "tensorrt_llm/_torch/model_config.py"),
        new(ModelOther, "failed to load all models", "triton core/src/server.cc"),
    ];
}
