using System.Collections.Immutable;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes;

/// <summary>Diagnoses the end of a runtime: out of memory, image, model, or plain exit.</summary>
/// <remarks>
/// Evidence in order of weight: the provider's reason, the runtime's output, the exit code. Memory is checked before
/// the model, because a runtime that runs out of memory during loading also reports a load error.
/// </remarks>
public static class ExitDiagnosis
{
    /// <summary>128 + SIGKILL: sign of the kernel's out-of-memory killer; other causes are rare.</summary>
    private const int ExitCodeOfSigkill = 137;

    private static readonly ImmutableArray<string> OutOfMemoryReasons = ["OOMKilled", "OutOfMemory", "oom-kill"];

    private static readonly ImmutableArray<string> ImageReasons =
    [
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
    ];

    /// <summary>Deliberate ends: exit code 137 then does not indicate missing memory.</summary>
    private static readonly ImmutableArray<string> DeliberateReasons =
    [
        "Evicted",
        "DeadlineExceeded",
        "NodeShutdown",
        "Terminated",
        "Preempted",
        "Stopped",
        RuntimeExit.KilledFromOutside,
    ];

    private static readonly ImmutableArray<string> OutOfMemoryTexts =
    [
        "CUDA out of memory",
        "torch.OutOfMemoryError",
        "torch.cuda.OutOfMemoryError",
        "CUDA error: out of memory",
        "CUDA_ERROR_OUT_OF_MEMORY",
        "cudaErrorMemoryAllocation",
        "CUBLAS_STATUS_ALLOC_FAILED",
        "cudaMalloc failed: out of memory",
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating",
        "failed to allocate CUDA",
        "failed to allocate ROCm",
        "ggml_aligned_malloc: insufficient memory",
        "failed to allocate CPU buffer",
        "failed to allocate buffer for kv cache",
        "failed to allocate compute buffers",
        "No available memory for the cache blocks",
        "larger than the available KV cache memory",
        "larger than the maximum number of tokens that can be stored in KV cache",
        "less than desired GPU memory utilization",
        "HIP out of memory",
        "hipErrorOutOfMemory",
        "hipMalloc failed: out of memory",
        "HIP error: out of memory",
        "ErrorOutOfDeviceMemory",
        "std::bad_alloc",
        "Fatal process out of memory",
        "JavaScript heap out of memory",
        "Out of memory: Killed process",
    ];

    private static readonly ImmutableArray<string> ImageTexts =
    [
        "manifest unknown",
        "pull access denied",
        "ImagePullBackOff",
        "ErrImagePull",
        "failed to pull image",
        "failed to pull and unpack image",
    ];

    private static readonly ImmutableArray<string> ModelTexts =
    [
        "error loading model",
        "failed to load model",
        "unable to load model",
        "unknown model architecture",
        "is not a local folder and is not a valid model identifier",
        "gated repo",
        "Repository Not Found for url",
        "RepositoryNotFoundError",
        "GatedRepoError",
        "SafetensorError",
        "Error while deserializing header",
        "invalid magic characters",
        "gguf_init_from_file",
        "does not appear to have a file named",
        "Cannot find any model weights",
        "are not supported for now",
        "does not recognize this architecture",
        "Unrecognized model in",
        "size mismatch for ",
        "Invalid repository ID or local directory specified",
    ];

    /// <param name="wasServing">
    /// Whether the runtime had been healthy before. Then neither image nor model can be the cause, whatever it printed
    /// about them during its start.
    /// </param>
    /// <returns>
    /// <see cref="FailureCode.OomKilled"/>, <see cref="FailureCode.ImagePullFailed"/>,
    /// <see cref="FailureCode.ModelLoadError"/> or <see cref="FailureCode.RuntimeExited"/>.
    /// </returns>
    public static FailureCode Diagnose(RuntimeExit exit, bool wasServing)
    {
        if (ContainsAny(exit.ProviderReason, OutOfMemoryReasons) || ContainsAny(exit.OutputTail, OutOfMemoryTexts))
        {
            return FailureCode.OomKilled;
        }

        if (exit.ExitCode == ExitCodeOfSigkill && !ContainsAny(exit.ProviderReason, DeliberateReasons))
        {
            return FailureCode.OomKilled;
        }

        if (!wasServing && (ContainsAny(exit.ProviderReason, ImageReasons) || ContainsAny(exit.OutputTail, ImageTexts)))
        {
            return FailureCode.ImagePullFailed;
        }

        return !wasServing && ContainsAny(exit.OutputTail, ModelTexts)
            ? FailureCode.ModelLoadError
            : FailureCode.RuntimeExited;
    }

    /// <summary>One line for people: the output line that states the cause, otherwise the exit code.</summary>
    /// <param name="wasServing">Whether the runtime had been healthy before, as for <see cref="Diagnose"/>.</param>
    /// <returns>
    /// At most <see cref="OutputLines.MaxChars"/> printable characters, without access tokens; never empty.
    /// </returns>
    public static string Explain(RuntimeExit exit, bool wasServing)
    {
        var code = Diagnose(exit, wasServing);
        var signs =
            code == FailureCode.OomKilled ? OutOfMemoryTexts
            : code == FailureCode.ImagePullFailed ? ImageTexts
            : code == FailureCode.ModelLoadError ? ModelTexts
            : [];
        if (signs.IsEmpty)
        {
            // A killed process prints nothing about its end, so its last output line has another cause.
            return exit.ExitCode == ExitCodeOfSigkill
                ? WithoutWords(exit)
                : OutputLines.LastErrorLine(exit.OutputTail) ?? WithoutWords(exit);
        }

        return OutputLines.LastWith(exit.OutputTail, signs) ?? WithoutWords(exit);
    }

    private static string WithoutWords(RuntimeExit exit)
    {
        var code = exit.ExitCode switch
        {
            null => "The runtime ended; its host did not report the exit code",
            ExitCodeOfSigkill => "The runtime was killed (exit code 137, SIGKILL)",
            > 128 and < 193 => $"The runtime was ended by signal {exit.ExitCode - 128} (exit code {exit.ExitCode})",
            _ => $"The runtime ended with exit code {exit.ExitCode}",
        };
        return string.IsNullOrWhiteSpace(exit.ProviderReason)
            ? code + "."
            : $"{code}; the provider says: {OutputLines.Clean(exit.ProviderReason)}.";
    }

    private static bool ContainsAny(string? text, ImmutableArray<string> signs)
    {
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        foreach (var sign in signs)
        {
            if (text.Contains(sign, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
