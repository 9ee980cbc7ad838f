using System.Collections.Immutable;
using static Scheduler.Domain.Runtimes.Exits.ExitCause;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>How llama.cpp's server and Ollama, which uses it, end. Sources: paths in ggml-org/llama.cpp and ollama/ollama.</summary>
internal static class LlamaExits
{
    public static readonly ImmutableArray<ExitRule> Rules =
    [
        new(HostMemory, "unable to allocate CPU", "src/llama-model.cpp"),
        new(HostMemory, "failed to allocate CPU buffer", "ggml/src/ggml-backend.cpp"),
        new(HostMemory, "CUDA_Host buffer", "src/llama-model.cpp", "allocate"),
        new(HostMemory, "ggml_aligned_malloc: insufficient memory", "ggml/src/ggml.c"),
        new(HostMemory, "mmap failed: Cannot allocate memory", "src/llama-mmap.cpp"),
        new(HostMemory, "model requires more system memory", "ollama llm/server.go"),
        new(HostMemory, "model request too large for system", "ollama llm/memory.go"),
        new(GpuMemory, "cudaMalloc failed: out of memory", "ggml/src/ggml-cuda/ggml-cuda.cu"),
        new(GpuMemory, "hipMalloc failed: out of memory", "ggml/src/ggml-cuda/ggml-cuda.cu"),
        new(GpuMemory, "ROCm error: out of memory", "ggml/src/ggml-cuda/ggml-cuda.cu"),
        new(GpuMemory, "MUSA error: out of memory", "ggml/src/ggml-cuda/ggml-cuda.cu"),
        new(GpuMemory, "unable to allocate CUDA", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate ROCm", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate Vulkan", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate Metal", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate SYCL", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate MUSA", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate CANN", "src/llama-model.cpp"),
        new(GpuMemory, "unable to allocate", "src/llama-model.cpp", "buffer"),
        new(GpuMemory, "failed to allocate CUDA", "ggml/src/ggml-alloc.c"),
        new(GpuMemory, "failed to allocate ROCm", "ggml/src/ggml-alloc.c"),
        new(GpuMemory, "failed to allocate Vulkan", "ggml/src/ggml-alloc.c"),
        new(GpuMemory, "failed to allocate SYCL", "ggml/src/ggml-alloc.c"),
        new(GpuMemory, "failed to allocate Metal", "ggml/src/ggml-alloc.c"),
        new(GpuMemory, "ggml_metal", "ggml/src/ggml-metal", "failed to allocate"),
        new(GpuCache, "failed to allocate buffer for kv cache", "src/llama-kv-cache.cpp"),
        new(GpuMemory, "failed to allocate compute", "src/llama-context.cpp"),
        new(GpuMemory, "Device memory allocation of size", "ggml/src/ggml-vulkan/ggml-vulkan.cpp", "failed"),
        new(GpuMemory, "kIOGPUCommandBufferCallbackErrorOutOfMemory", "ggml/src/ggml-metal"),
        new(GpuMemory, "can't allocate", "ggml/src/ggml-sycl/ggml-sycl.cpp", "of memory on device"),
        new(ModelArchitecture, "unknown model architecture", "src/llama-model.cpp"),
        new(ModelArchitecture, "unknown pre-tokenizer type", "src/llama-vocab.cpp"),
        new(ModelArchitecture, "this model is not supported by your version of Ollama", "ollama server/images.go"),
        new(ModelDamaged, "is not within the file bounds", "src/llama-model-loader.cpp"),
        new(ModelDamaged, "invalid magic c", "ggml/src/gguf.cpp"),
        new(ModelDamaged, "gguf_init_from_file", "ggml/src/gguf.cpp", "fail"),
        new(ModelDamaged, "wrong number of tensors", "src/llama-model-loader.cpp"),
        new(ModelDamaged, "missing tensor", "src/llama-model-loader.cpp"),
        new(ModelDamaged, "key not found in model", "src/llama-model-loader.cpp"),
        new(ModelFileMissing, "illegal split file", "src/llama-model-loader.cpp"),
        new(ModelFileMissing, "invalid split file", "src/llama-model-loader.cpp"),
        new(ModelFileMissing, "failed to open GGUF file", "ggml/src/gguf.cpp"),
        new(ModelFileMissing, "failed to open", "src/llama-mmap.cpp", ".gguf"),
        new(ModelMissing, "pull model manifest: file does not exist", "ollama server/images.go"),
        new(ModelMissing, "try pulling it first", "ollama server/routes.go"),
        new(ModelOther, "error loading model", "src/llama.cpp"),
        new(ModelOther, "failed to load model", "common/common.cpp"),
        new(ModelOther, "unable to load model", "ollama llm/server.go"),
        new(Arguments, "error: invalid argument", "common/arg.cpp"),
    ];
}
