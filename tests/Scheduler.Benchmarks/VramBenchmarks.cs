using BenchmarkDotNet.Attributes;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Benchmarks;

/// <summary>P-3: one estimate, with the list of what would fit, costs at most 5 µs.</summary>
[ShortRunJob]
[MemoryDiagnoser]
public class VramBenchmarks
{
    private readonly GpuCatalogue _catalogue = GpuCatalogue.Shipped;
    private GpuType _gpu = new();
    private ModelFacts _model = new();
    private LaunchPlan _request = new(null, KvFormat.Bf16, 32_768, 4, "vllm");

    /// <summary>A dense model, experts with sliding windows, latent attention with an indexer.</summary>
    [Params("Qwen/Qwen3-32B", "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3.2")]
    public string Model { get; set; } = "";

    /// <summary>Models are read once, long before a launch.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _model = ModelCatalogue.Find(Model) ?? throw new InvalidOperationException(Model);
        _gpu = _catalogue.Find("L4") ?? throw new InvalidOperationException("L4");
        _request = new LaunchPlan(null, KvFormat.Bf16, 32_768, 4, "vllm");
    }

    /// <summary>The check of every offer.</summary>
    [Benchmark]
    public FitVerdict Judge() => GpuFit.Judge(_model, _request, _gpu, 1);

    /// <summary>The complete answer of a refused launch: breakdown, smallest GPU, largest context, format.</summary>
    [Benchmark]
    public GpuIncompatibleFacts Explain() => GpuIncompatibleFacts.Of(_model, _request, _gpu, 1, _catalogue);
}
