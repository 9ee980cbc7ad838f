using FsCheck.Xunit;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Starts;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

/// <summary>Lines that engines print at their start, from public logs.</summary>
public sealed class StartReportTests
{
    private const long MiB = 1L << 20;

    /// <summary>vllm#10517, and the lines of V1.</summary>
    [Fact]
    public void VLLM_reports_weights_cache_and_tokens()
    {
        var v1 = StartReport.Read(
            """
            INFO 11-20 10:00:00 [core.py:58] Initializing a V1 LLM engine (v0.11.0) with config: model='meta-llama/Llama-3.1-8B'
            INFO 11-20 10:00:09 [gpu_model_runner.py:2392] Model loading took 14.9888 GiB and 3.261 seconds
            INFO 11-20 10:00:31 [gpu_worker.py:298] Available KV cache memory: 3.81 GiB
            INFO 11-20 10:00:31 [kv_cache_utils.py:864] GPU KV cache size: 31,232 tokens
            """
        );
        var v0 = StartReport.Read(
            """
            INFO 11-20 10:00:09 model_runner.py:1077] Loading model weights took 14.9888 GB
            INFO 11-20 10:00:19 worker.py:232] model weights take 14.99GiB; the rest of the memory reserved for KV Cache is 3.81GiB.
            INFO 11-20 10:00:20 distributed_gpu_executor.py:57] # GPU blocks: 1952, # CPU blocks: 2048
            """
        );

        Assert.Equal(new StartFigures("0.11.0", GiB(14.9888m), GiB(3.81m), 31_232), v1);
        Assert.Equal(new StartFigures("", GiB(14.9888m), GiB(3.81m), 31_232), v0);
    }

    [Fact]
    public void The_rank_with_the_least_room_decides()
    {
        var read = StartReport.Read(
            """
            (VllmWorker rank=0 pid=1) INFO [gpu_worker.py:227] Available KV cache memory: 20.50 GiB
            (VllmWorker rank=1 pid=2) INFO [gpu_worker.py:227] Available KV cache memory: 19.25 GiB
            """
        );

        Assert.Equal(GiB(19.25m), read!.CacheBytes);
    }

    [Fact]
    public void SGLang_reports_weights_and_both_halves_of_the_cache()
    {
        var read = StartReport.Read(
            """
            [2025-10-01 10:00:00] Load weight end. type=LlamaForCausalLM, dtype=torch.bfloat16, avail mem=63.20 GB, mem usage=15.05 GB.
            [2025-10-01 10:00:01] KV Cache is allocated. #tokens: 433588, K size: 26.46 GB, V size: 26.46 GB
            """
        );

        Assert.Equal(new StartFigures("", GiB(15.05m), GiB(52.92m), 433_588), read);
    }

    [Fact]
    public void Llama_cpp_reports_the_parts_of_each_device()
    {
        var read = StartReport.Read(
            """
            build: 5142 (54a1b2c) with cc (Ubuntu 11.4.0) 11.4.0 for x86_64-linux-gnu
            load_tensors:   CPU_Mapped model buffer size =   281.81 MiB
            load_tensors:        CUDA0 model buffer size =  2000.00 MiB
            load_tensors:        CUDA1 model buffer size =  2100.00 MiB
            llama_kv_cache_unified:      CUDA0 KV buffer size =   256.00 MiB
            llama_kv_cache_unified:      CUDA1 KV buffer size =   224.00 MiB
            llama_kv_cache_unified:      CUDA0 KV buffer size =    64.00 MiB
            llama_context:      CUDA0 compute buffer size =   258.50 MiB
            llama_context:  CUDA_Host compute buffer size =    16.01 MiB
            """
        );

        Assert.Equal(new StartFigures("5142", 2100 * MiB, 320 * MiB, null, (517 * MiB) / 2), read);
    }

    [Fact]
    public void TensorRT_LLM_and_TGI_report_their_cache()
    {
        Assert.Equal(
            new StartFigures("", null, GiB(12.5m), 102_400),
            StartReport.Read(
                "[TensorRT-LLM][INFO] [MemUsageChange] Allocated 12.50 GiB for max tokens in paged KV cache (102400)."
            )
        );
        Assert.Equal(
            new StartFigures("", CacheTokens: 67_584),
            StartReport.Read(
                "INFO text_generation_router_v3: backends/v3/src/lib.rs:137: Setting max batch total tokens to 67584"
            )
        );
    }

    [Fact]
    public void Metrics_of_vLLM_fill_in_what_the_output_lacks()
    {
        const string metrics = """
            # HELP vllm:cache_config_info Information of the LLMEngine CacheConfig
            # TYPE vllm:cache_config_info gauge
            vllm:cache_config_info{block_size="16",cache_dtype="auto",gpu_memory_utilization="0.9",num_gpu_blocks="1952",num_cpu_blocks="None"} 1.0
            """;

        Assert.Equal(new StartFigures("", CacheTokens: 31_232), StartReport.Read("", metrics));
        Assert.Equal(500, StartReport.Read("GPU KV cache size: 500 tokens", metrics)!.CacheTokens);
    }

    [Fact]
    public void An_output_without_figures_reports_nothing()
    {
        Assert.Null(StartReport.Read(""));
        Assert.Null(StartReport.Read("INFO: Application startup complete.\nGPU KV cache size: x tokens"));
        Assert.Null(StartReport.Read(new string('x', 2000) + "GPU KV cache size: 500 tokens"));
        Assert.Null(StartReport.Read("GPU KV cache size: 99999999999999999999 tokens"));
    }

    [Property(MaxTest = 500)]
    public void Any_output_is_read_without_an_error(string? output, string? metrics) =>
        StartReport.Read(output ?? "", $"vllm:cache_config_info{{{metrics}");

    [Fact]
    public void An_excerpt_keeps_the_lines_of_the_start()
    {
        var noise = string.Concat(Enumerable.Repeat("INFO loading a shard of the model\n", 3000));
        var output = $"{noise}Model loading took 14.5 GiB and 3 seconds\n{noise}";

        var excerpt = OutputExcerpt.Of(output, RuntimeExit.MaxOutputTailChars);

        Assert.Equal(GiB(14.5m), StartReport.Read(excerpt)!.WeightBytes);
    }

    private static long GiB(decimal number) => (long)(number * (1L << 30));
}
