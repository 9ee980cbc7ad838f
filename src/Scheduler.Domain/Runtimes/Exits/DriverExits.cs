using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>Words of PyTorch, JAX and the drivers of CUDA, ROCm, Level Zero, Gaudi, Ascend and Metal.</summary>
internal static class DriverExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(GpuMemory, "CUDA out of memory", "pytorch c10/cuda/CUDACachingAllocator.cpp"),
        new(GpuMemory, "HIP out of memory", "pytorch c10/hip/HIPCachingAllocator.cpp"),
        new(GpuMemory, "XPU out of memory", "pytorch c10/xpu/XPUCachingAllocator.cpp"),
        new(GpuMemory, "NPU out of memory", "torch_npu NPUCachingAllocator.cpp"),
        new(GpuMemory, "MPS backend out of memory", "pytorch aten/src/ATen/mps/MPSAllocator.mm"),
        new(GpuMemory, "PT_DEVMEM", "habana-torch-plugin device_memory", "Allocation failed"),
        new(GpuMemory, "torch.OutOfMemoryError", "pytorch torch/csrc/Exceptions.cpp"),
        new(GpuMemory, "torch.cuda.OutOfMemoryError", "pytorch torch/csrc/Exceptions.cpp"),
        new(GpuMemory, "CUDA error: out of memory", "pytorch c10/cuda/CUDAException.cpp"),
        new(GpuMemory, "CUDA driver error: out of memory", "pytorch c10/cuda/driver_api.h"),
        new(GpuMemory, "CUDA runtime error", "tensorrt_llm/common/cudaUtils.h", "out of memory"),
        new(GpuMemory, "HIP error: out of memory", "pytorch c10/hip/HIPException.cpp"),
        new(GpuMemory, "CUDA_ERROR_OUT_OF_MEMORY", "CUDA driver API: CUresult"),
        new(GpuMemory, "cudaErrorMemoryAllocation", "CUDA runtime API: cudaError_t"),
        new(GpuMemory, "hipErrorOutOfMemory", "HIP runtime API: hipError_t"),
        new(GpuMemory, "hipErrorMemoryAllocation", "HIP runtime API: hipError_t"),
        new(GpuMemory, "HSA_STATUS_ERROR_OUT_OF_RESOURCES", "ROCR-Runtime: hsa_status_t"),
        new(GpuMemory, "CUBLAS_STATUS_ALLOC_FAILED", "cuBLAS: cublasStatus_t"),
        new(GpuMemory, "CUDNN_STATUS_ALLOC_FAILED", "cuDNN: cudnnStatus_t"),
        new(GpuMemory, "Cuda failure", "nccl src/include/checks.h", "out of memory"),
        new(GpuMemory, "cupy.cuda.memory.OutOfMemoryError", "cupy cupy/cuda/memory.pyx"),
        new(GpuMemory, "OUT_OF_DEVICE_MEMORY", "Unified Runtime and Level Zero: result codes"),
        new(GpuMemory, "ErrorOutOfDeviceMemory", "Vulkan: VkResult"),
        new(GpuMemory, "RESOURCE_EXHAUSTED", "XLA", "memory"),
        new(HostMemory, "OUT_OF_HOST_MEMORY", "Unified Runtime and Level Zero: result codes"),
        new(HostMemory, "ErrorOutOfHostMemory", "Vulkan: VkResult"),
        new(GpuAccess, "no CUDA-capable device is detected", "CUDA runtime API: cudaErrorNoDevice"),
        new(GpuAccess, "CUDA driver version is insufficient", "CUDA runtime API: cudaErrorInsufficientDriver"),
        new(GpuAccess, "Found no NVIDIA driver on your system", "pytorch torch/cuda/__init__.py"),
        new(GpuAccess, "Failed to infer device type", "vllm/config/device.py"),
        new(
            GpuAccess,
            "no kernel image is available for execution",
            "CUDA runtime API: cudaErrorNoKernelImageForDevice"
        ),
        new(GpuAccess, "could not select device driver", "moby daemon/devices.go"),
        new(GpuAccess, "nvidia-container-cli: initialization error", "nvidia-container-toolkit"),
        new(GpuAccess, "libcuda.so.1: cannot open shared object file", "dynamic linker"),
        new(GpuAccess, "uncorrectable ECC error", "CUDA runtime API: cudaErrorECCUncorrectable"),
        new(GpuAccess, "busy or unavailable", "CUDA runtime API: cudaErrorDevicesUnavailable", "CUDA"),
        new(SharedMemory, "insufficient shared memory (shm)", "pytorch torch/utils/data/_utils/signal_handling.py"),
        new(SharedMemory, "/dev/shm/nccl", "nccl src/misc/shmutils.cc", "fail"),
    ];
}
