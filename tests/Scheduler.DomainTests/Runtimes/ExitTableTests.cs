using System.Text.Json;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

/// <summary>Ends of real runtimes. The file holds public reports; the rows here are messages of the engines' sources.</summary>
public sealed class ExitTableTests
{
    private static readonly string DataFile = Path.Combine(
        Repository.Root,
        "tests/Scheduler.DomainTests/Runtimes/Data/exits.json"
    );

    public static TheoryData<string> Reports =>
        [
            .. JsonDocument
                .Parse(File.ReadAllText(DataFile))
                .RootElement.EnumerateArray()
                .Select(row => row.GetProperty("id").GetString()!),
        ];

    [Theory]
    [MemberData(nameof(Reports))]
    public void A_reported_end_gets_its_code_also_through_the_excerpt(string id)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(DataFile));
        var row = document.RootElement.EnumerateArray().Single(row => row.GetProperty("id").ValueEquals(id));
        var exit = new RuntimeExit
        {
            ExitCode =
                row.GetProperty("exit_code").ValueKind == JsonValueKind.Null
                    ? null
                    : row.GetProperty("exit_code").GetInt32(),
            ProviderReason = row.GetProperty("provider_reason").GetString(),
            OutputTail = row.GetProperty("output").GetString()!,
        };
        var wasServing = row.GetProperty("was_serving").GetBoolean();
        var expected = row.GetProperty("expected").GetString();

        Assert.Equal(expected, ExitDiagnosis.Diagnose(exit, wasServing).WireName());
        var shortened = exit with { OutputTail = OutputExcerpt.Of(exit.OutputTail, 4096) };
        Assert.Equal(expected, ExitDiagnosis.Diagnose(shortened, wasServing).WireName());
    }

    [Theory]
    [InlineData(
        ExitCause.GpuCache,
        "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (19088)."
    )]
    [InlineData(
        ExitCause.GpuMemoryOccupied,
        "ValueError: Free memory on device (2.1/23.6 GiB) on startup is less than desired GPU memory utilization (0.9, 21.2 GiB)."
    )]
    [InlineData(
        ExitCause.GpuMemory,
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests."
    )]
    [InlineData(
        ExitCause.GpuMemory,
        "Exception: Capture CUDA graph failed: CUDA out of memory. Tried to allocate 20.00 MiB"
    )]
    [InlineData(
        ExitCause.GpuMemoryOccupied,
        "ValueError: The memory capacity is unbalanced. Some GPUs may be occupied by other processes."
    )]
    [InlineData(ExitCause.GpuMemory, "[TensorRT-LLM][ERROR] CUDA runtime error in ::cudaMalloc(ptr, n): out of memory")]
    [InlineData(
        ExitCause.GpuMemory,
        "[E] [TRT] Requested amount of GPU memory (19327352832 bytes) could not be allocated."
    )]
    [InlineData(ExitCause.GpuMemory, "ggml_vulkan: Device memory allocation of size 1073741824 failed.")]
    [InlineData(ExitCause.GpuMemory, "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory")]
    [InlineData(
        ExitCause.GpuMemory,
        "Error: Could not create backend\nCaused by: Could not start backend: DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"
    )]
    [InlineData(
        ExitCause.GpuMemory,
        "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Ran out of memory in memory space hbm."
    )]
    [InlineData(
        ExitCause.GpuMemory,
        "RuntimeError: [Rank:0] FATAL ERROR :: MODULE:PT_DEVMEM Allocation failed for size::234881024 (224)MB"
    )]
    [InlineData(ExitCause.GpuMemory, "NCCL WARN Cuda failure 'out of memory'")]
    [InlineData(
        ExitCause.HostMemory,
        "Error: model requires more system memory (47.9 GiB) than is available (31.2 GiB)"
    )]
    [InlineData(
        ExitCause.HostMemory,
        "ValueError: Not enough host memory available. Requesting 60.00 GB but only have 40.00 GB free."
    )]
    [InlineData(
        ExitCause.HostMemory,
        "RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    )]
    [InlineData(ExitCause.HostMemory, "OSError: [Errno 12] Cannot allocate memory")]
    [InlineData(ExitCause.HostMemory, "memory allocation of 524288000 bytes failed")]
    [InlineData(ExitCause.HostMemory, "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.0.")]
    [InlineData(ExitCause.HostMemory, "Memory cgroup out of memory: Killed process 4711 (python3) total-vm:9kB")]
    [InlineData(ExitCause.ImageRateLimit, "toomanyrequests: You have reached your pull rate limit.")]
    [InlineData(
        ExitCause.ImageRights,
        "Error response from daemon: pull access denied for acme/x, repository does not exist or may require 'docker login'"
    )]
    [InlineData(
        ExitCause.ImageRights,
        "failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://ghcr.io/v2/x: 403 Forbidden"
    )]
    [InlineData(
        ExitCause.ImageMissing,
        "Error response from daemon: manifest for vllm/vllm-openai:nope not found: manifest unknown: manifest unknown"
    )]
    [InlineData(
        ExitCause.ImageNetwork,
        "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host"
    )]
    [InlineData(
        ExitCause.ImageNetwork,
        "Error response from daemon: Get \"https://registry-1.docker.io/v2/\": net/http: TLS handshake timeout"
    )]
    [InlineData(
        ExitCause.ImageDisk,
        "failed to pull and unpack image \"x\": failed to extract layer sha256:1: write /var/lib/containerd/x: no space left on device: unknown"
    )]
    [InlineData(
        ExitCause.ImageArchitecture,
        "failed to pull and unpack image \"x\": no match for platform in manifest: not found"
    )]
    [InlineData(ExitCause.ModelGated, "huggingface_hub.errors.GatedRepoError: 401 Client Error.")]
    [InlineData(
        ExitCause.ModelRateLimit,
        "huggingface_hub.errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: https://huggingface.co/x"
    )]
    [InlineData(
        ExitCause.ModelMissing,
        "RepositoryNotFoundError: 404 Client Error. Repository Not Found for url: https://huggingface.co/api/x"
    )]
    [InlineData(ExitCause.ModelDisk, "OSError: [Errno 28] No space left on device")]
    [InlineData(ExitCause.ModelNetwork, "OSError: We couldn't connect to 'https://huggingface.co' to load the files")]
    [InlineData(
        ExitCause.ModelFileMissing,
        "FileNotFoundError: No such file or directory: \"/models/x/model-00003-of-00005.safetensors\""
    )]
    [InlineData(
        ExitCause.ModelDamaged,
        "llama_model_load: error loading model: tensor 'blk.0.ffn_up.weight' data is not within the file bounds, model is corrupted or incomplete"
    )]
    [InlineData(
        ExitCause.ModelArchitecture,
        "ValueError: Model architectures ['NewForCausalLM'] are not supported for now."
    )]
    [InlineData(
        ExitCause.ModelArchitecture,
        "ValueError: The checkpoint you are trying to load has model type `x` but Transformers does not recognize this architecture."
    )]
    [InlineData(
        ExitCause.ModelSplit,
        "ValueError: The output_size of gate's and up's weight = 192 is not divisible by weight quantization block_n = 128."
    )]
    [InlineData(
        ExitCause.ModelGpuTooOld,
        "ValueError: The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 80."
    )]
    [InlineData(
        ExitCause.ModelCode,
        "ValueError: The repository for x contains custom code which must be executed to correctly load the model."
    )]
    [InlineData(ExitCause.ModelOther, "Error: DownloadError")]
    [InlineData(
        ExitCause.Context,
        "ValueError: User-specified max_model_len (65536) is greater than the derived max_model_len (32768)."
    )]
    [InlineData(
        ExitCause.GpuAccess,
        "docker: Error response from daemon: could not select device driver \"\" with capabilities: [[gpu]]."
    )]
    [InlineData(
        ExitCause.GpuAccess,
        "RuntimeError: CUDA error: no kernel image is available for execution on the device"
    )]
    [InlineData(
        ExitCause.SharedMemory,
        "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm)."
    )]
    [InlineData(ExitCause.Arguments, "vllm: error: unrecognized arguments: --max-modell-len")]
    [InlineData(ExitCause.Program, "exec /usr/bin/python3: exec format error")]
    public void A_message_of_an_engine_names_its_cause(ExitCause cause, string output)
    {
        var exit = new RuntimeExit { ExitCode = 1, OutputTail = "starting\n" + output + "\nend\n" };

        var finding = ExitDiagnosis.Find(exit, wasServing: false);

        Assert.Equal(cause, finding.Cause);
        Assert.NotNull(finding.Line);
        Assert.NotNull(ExitDiagnosis.OwnLine(exit, finding));
    }

    [Theory]
    [InlineData("WARNING: CUDA graphs can take additional memory. If you are running out of memory, decrease it")]
    [InlineData("INFO Received request cmpl-1: prompt: 'what does CUDA out of memory mean', params")]
    [InlineData(
        "There are some potential root causes. (1) The process is killed by SIGKILL by OOM killer due to high memory usage."
    )]
    [InlineData("warning: failed to mlock 4096-byte buffer (after previously locking 0 bytes): Cannot allocate memory")]
    [InlineData("torch.AcceleratorError: CUDA error: an illegal memory access was encountered")]
    [InlineData("ValueError: token_to_kv_pool_allocator memory leak detected!")]
    [InlineData(
        "CUDA out of memory. Tried to allocate 2 GiB\nINFO:     127.0.0.1:1 - \"POST /v1/completions HTTP/1.1\" 200 OK"
    )]
    public void Words_about_memory_without_an_end_by_memory_are_no_evidence(string output)
    {
        var exit = new RuntimeExit { ExitCode = 137, OutputTail = output };

        Assert.Equal(FailureCode.RuntimeExited, ExitDiagnosis.Diagnose(exit, wasServing: true));
    }

    [Theory]
    [InlineData("OutOfMemoryError: Container killed due to memory usage", FailureCode.OomKilled)]
    [InlineData("Evicted: The node was low on resource: memory.", FailureCode.OomKilled)]
    [InlineData("Evicted: The node was low on resource: ephemeral-storage.", FailureCode.RuntimeExited)]
    [InlineData("Error", FailureCode.RuntimeExited)]
    [InlineData(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s)",
        FailureCode.ImagePullFailed
    )]
    [InlineData("ErrImagePull: toomanyrequests", FailureCode.ImagePullFailed)]
    public void A_reason_of_an_orchestrator_is_evidence(string reason, FailureCode expected) =>
        Assert.Equal(
            expected,
            ExitDiagnosis.Diagnose(new RuntimeExit { ExitCode = 137, ProviderReason = reason }, wasServing: false)
        );

    [Fact]
    public void An_engine_that_ends_after_its_error_did_not_survive_it()
    {
        const string output =
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB\n"
            + "ERROR AsyncLLM output_handler failed: EngineDeadError\n"
            + "INFO: 10.0.0.1:1 - \"GET /metrics HTTP/1.1\" 200 OK\n";

        var finding = ExitDiagnosis.Find(new RuntimeExit { ExitCode = 1, OutputTail = output }, wasServing: true);

        Assert.Equal(ExitCause.GpuMemory, finding.Cause);
    }

    [Fact]
    public void An_excerpt_keeps_the_first_lines_the_cause_and_the_last_lines_within_its_bound()
    {
        var lines = Enumerable
            .Range(0, 20_000)
            .Select(i => i == 9_000 ? "cudaMalloc failed: out of memory" : $"line {i}");
        var output = string.Join('\n', lines);

        var excerpt = OutputExcerpt.Of(output, 4096);

        Assert.InRange(excerpt.Length, 2048, 4096);
        Assert.StartsWith("line 0\n", excerpt, StringComparison.Ordinal);
        Assert.Contains("\ncudaMalloc failed: out of memory\n", excerpt, StringComparison.Ordinal);
        Assert.EndsWith("line 19999\n", excerpt, StringComparison.Ordinal);

        var parts = new OutputExcerpt(4096);
        foreach (var part in output.Chunk(7))
        {
            parts.Append(part);
        }

        Assert.Equal(excerpt, parts.End());
    }

    [Theory]
    [InlineData("vllm", "--gpu-memory-utilization")]
    [InlineData("sglang", "--mem-fraction-static")]
    [InlineData("llama-server", "kv_format q8")]
    [InlineData("ollama", "kv_format q8")]
    [InlineData("tgi", "--max-batch-prefill-tokens")]
    [InlineData("trtllm", "--kv_cache_free_gpu_memory_fraction")]
    public void A_hint_names_an_option_of_the_engine_that_ran(string preset, string option) =>
        Assert.Contains(option, ExitHints.Of(ExitCause.GpuCache, "m", preset), StringComparison.Ordinal);

    [Fact]
    public void Every_cause_of_an_image_or_a_model_has_its_own_hint()
    {
        var causes = Enum.GetValues<ExitCause>().Where(cause => ExitRule.CodeOf(cause) != FailureCode.RuntimeExited);

        var hints = causes
            .Where(cause => cause is not (ExitCause.GpuMemory or ExitCause.GpuCache))
            .Select(cause => ExitHints.Of(cause, "m", "vllm")!)
            .ToList();

        Assert.Equal(hints.Count, hints.Distinct(StringComparer.Ordinal).Count());
        Assert.DoesNotContain(hints, string.IsNullOrWhiteSpace);
    }
}
