using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>Main memory of the host: words of the kernel, of language runtimes, and of orchestrators.</summary>
internal static class HostExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(HostMemory, "Out of memory: Killed process", "linux mm/oom_kill.c"),
        new(HostMemory, "Memory cgroup out of memory", "linux mm/oom_kill.c"),
        new(HostMemory, "invoked oom-killer", "linux mm/oom_kill.c"),
        new(HostMemory, "oom-kill:constraint=", "linux mm/oom_kill.c"),
        new(HostMemory, "killed by the OOM killer", "systemd src/core/unit.c", "process of this unit"),
        new(HostMemory, "Failed with result 'oom-kill'", "systemd src/core/unit.c"),
        new(HostMemory, "oom-kill event", "slurm src/slurmd/slurmstepd", "slurmstepd"),
        new(HostMemory, "killed by the cgroup out-of-memory handler", "slurm src/slurmd/slurmstepd"),
        new(HostMemory, "ray.exceptions.OutOfMemoryError", "ray python/ray/exceptions.py"),
        new(HostMemory, "Task was killed due to the node running low on memory", "ray src/ray/raylet"),
        new(HostMemory, "killed due to memory pressure (OOM)", "ray src/ray/raylet"),
        new(HostMemory, "DefaultCPUAllocator: can't allocate memory", "pytorch c10/core/impl/alloc_cpu.cpp"),
        new(HostMemory, "DefaultCPUAllocator: not enough memory", "pytorch c10/core/impl/alloc_cpu.cpp"),
        new(HostMemory, "_ArrayMemoryError", "numpy numpy/_core/_exceptions.py"),
        new(HostMemory, "[Errno 12] Cannot allocate memory", "python: ENOMEM"),
        new(HostMemory, "std::bad_alloc", "C++ standard library"),
        new(HostMemory, "memory allocation of", "rust alloc::alloc::handle_alloc_error", "bytes failed"),
        new(HostMemory, "fatal error: runtime: out of memory", "go runtime/malloc.go"),
        new(HostMemory, "cannot allocate memory", "go runtime/malloc.go", "fatal error"),
        new(HostMemory, "java.lang.OutOfMemoryError", "java: Throwable"),
        new(HostMemory, "Fatal process out of memory", "v8 src/api/api.cc"),
        new(HostMemory, "JavaScript heap out of memory", "v8 src/api/api.cc"),
        new(Program, "exec format error", "linux: ENOEXEC"),
    ];

    /// <summary>Reasons that a provider reports beside the output.</summary>
    public static readonly ImmutableArray<ExitRule> Reasons =
    [
        new(HostMemory, "OOMKilled", "kubernetes and moby: container state"),
        new(HostMemory, "OutOfMemory", "kubernetes pkg/kubelet; ECS stopped reason"),
        new(HostMemory, "OUT_OF_MEMORY", "slurm: job state"),
        new(HostMemory, "oom-kill", "systemd: service result"),
        new(HostMemory, "low on resource: memory", "kubernetes pkg/kubelet/eviction/helpers.go"),
        new(ImageOther, "ImagePullBackOff", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageOther, "ErrImagePull", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageMissing, "InvalidImageName", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageMissing, "ErrImageNeverPull", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageOther, "ImageInspectError", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageNetwork, "RegistryUnavailable", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageRights, "SignatureValidationFailed", "kubernetes pkg/kubelet/images/types.go"),
        new(ImageOther, "CannotPullContainer", "ECS: stopped reason"),
        new(ImageOther, "CannotPullImage", "ECS: stopped reason"),
    ];
}
