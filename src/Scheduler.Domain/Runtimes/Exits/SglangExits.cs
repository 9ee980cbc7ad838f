using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How SGLang ends. Sources: paths in the project sgl-project/sglang.</summary>
internal static class SglangExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(
            GpuCache,
            "Not enough memory. Please try to increase --mem-fraction-static",
            "srt/model_executor/model_runner.py"
        ),
        new(GpuCache, "Please try to increase --mem-fraction-static", "srt/model_executor/model_runner.py", "memory"),
        new(GpuMemory, "Prefill out of memory", "srt/mem_cache/common.py"),
        new(GpuMemory, "Decode out of memory", "srt/managers/schedule_batch.py"),
        new(GpuMemory, "Loading the model weights failed", "srt/model_loader", "out of memory"),
        new(GpuMemory, "Capture cuda graph failed", "srt/model_executor/cuda_graph_runner.py", "out of memory"),
        new(GpuMemoryOccupied, "The memory capacity is unbalanced", "srt/model_executor/model_runner.py"),
        new(HostMemory, "Not enough host memory available", "srt/mem_cache/memory_pool_host.py"),
        new(ModelArchitecture, "Unsupported architectures", "srt/models/registry.py"),
        new(ModelArchitecture, "has no SGlang implementation", "srt/model_loader/utils.py"),
        new(ModelSplit, "must be divisible by tp_size", "srt/configs/model_config.py"),
    ];
}
