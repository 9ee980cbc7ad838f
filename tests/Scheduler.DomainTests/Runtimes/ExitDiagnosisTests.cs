using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

public sealed class ExitDiagnosisTests
{
    [Theory]
    [InlineData("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")]
    [InlineData("ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`")]
    [InlineData(
        "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is needed, which is larger than the available KV cache memory (1.71 GiB)."
    )]
    [InlineData("RuntimeError: HIP out of memory.")]
    [InlineData("cudaMalloc failed: out of memory")]
    [InlineData("error loading model: unable to load model\nllama: failed to allocate CUDA0 buffer")]
    [InlineData(
        "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 40960.00 MiB on device 0: cudaMalloc failed: out of memory\nllama_model_load: error loading model: unable to allocate CUDA0 buffer"
    )]
    [InlineData("ggml_aligned_malloc: insufficient memory (attempted to allocate 32.00 MB)")]
    [InlineData("alloc_tensor_range: failed to allocate CPU buffer of size 33554432")]
    [InlineData("llama_init_from_model: failed to initialize the context: failed to allocate buffer for kv cache")]
    [InlineData("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc")]
    [InlineData("# Fatal error in , line 0\n# Fatal process out of memory: Zone\nIllegal instruction")]
    [InlineData("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory")]
    public void Out_of_memory_messages_are_recognized_whatever_the_exit_code(string words)
    {
        var exit = new RuntimeExit { ExitCode = 1, OutputTail = words };

        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(exit, wasServing: false));
        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(exit, wasServing: true));
    }

    [Theory]
    [InlineData(137, null, FailureCode.RuntimeExited)]
    [InlineData(137, "Error", FailureCode.RuntimeExited)]
    [InlineData(137, "OOMKilled", FailureCode.OomKilled)]
    [InlineData(0, "OOMKilled", FailureCode.OomKilled)]
    [InlineData(137, "Evicted", FailureCode.RuntimeExited)]
    [InlineData(137, "KilledFromOutside: no want of memory", FailureCode.RuntimeExited)]
    [InlineData(139, null, FailureCode.RuntimeExited)]
    [InlineData(0, null, FailureCode.RuntimeExited)]
    [InlineData(null, null, FailureCode.RuntimeExited)]
    public void Exit_codes_and_provider_reasons_are_diagnosed_without_output(
        int? code,
        string? reason,
        FailureCode expected
    ) =>
        Assert.Equal(
            expected,
            ExitDiagnosis.Diagnose(new RuntimeExit { ExitCode = code, ProviderReason = reason }, wasServing: true)
        );

    [Theory]
    [InlineData(
        "OSError: nope/nope is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'"
    )]
    [InlineData("401 Client Error. Cannot access gated repo for url https://huggingface.co/x")]
    [InlineData("safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge")]
    [InlineData("llama_model_load: error loading model: unknown model architecture: 'x'")]
    public void Model_load_messages_count_only_before_the_runtime_has_served(string words)
    {
        var exit = new RuntimeExit { ExitCode = 1, OutputTail = words };

        Assert.Equal(FailureCode.ModelLoadError, ExitDiagnosis.Diagnose(exit, wasServing: false));
        Assert.Equal(FailureCode.RuntimeExited, ExitDiagnosis.Diagnose(exit, wasServing: true));
    }

    [Theory]
    [InlineData("ImagePullBackOff", "")]
    [InlineData("ErrImagePull", "")]
    [InlineData(null, "Error response from daemon: manifest unknown")]
    public void A_failed_image_pull_is_recognized(string? reason, string words) =>
        Assert.Equal(
            FailureCode.ImagePullFailed,
            ExitDiagnosis.Diagnose(new RuntimeExit { ProviderReason = reason, OutputTail = words }, wasServing: false)
        );

    [Theory]
    [InlineData(1, "start\nCUDA out of memory: 2 GiB\ncleanup\n", "CUDA out of memory: 2 GiB")]
    [InlineData(1, "start\nRuntimeError: broken\n  at line 3\n", "RuntimeError: broken")]
    [InlineData(1, "only words\n\n", "only words")]
    [InlineData(1, "", "The runtime ended with exit code 1.")]
    [InlineData(139, "", "The runtime was ended by signal 11 (exit code 139).")]
    [InlineData(137, "quiet until the end", "The runtime was killed (exit code 137, SIGKILL).")]
    [InlineData(1, "\u001b[31mfatal: \u0007bad\u001b[0m", "fatal:  bad")]
    [InlineData(1, "error: token hf_abcdefghijklmnopqrst refused", "error: token [secret] refused")]
    public void The_decisive_output_line_is_the_explanation(int code, string output, string expected) =>
        Assert.Equal(
            expected,
            ExitDiagnosis.Explain(new RuntimeExit { ExitCode = code, OutputTail = output }, wasServing: false)
        );

    [Fact]
    public void An_explanation_is_bounded() =>
        Assert.Equal(
            OutputLines.MaxChars,
            ExitDiagnosis
                .Explain(new RuntimeExit { OutputTail = "error " + new string('x', 4000) }, wasServing: false)
                .Length
        );
}
