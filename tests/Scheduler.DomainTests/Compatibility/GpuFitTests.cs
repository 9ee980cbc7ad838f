using System.Text.Json;
using System.Text.Json.Serialization;
using FsCheck.Xunit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class GpuFitTests
{
    private static readonly GpuCatalogue Catalogue = GpuCatalogue.Shipped;
    private static readonly GpuType L4 = Gpu("L4");
    private static readonly GpuType H100 = Gpu("H100-80GB-SXM");

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter() },
    };

    [Theory]
    [InlineData("Qwen/Qwen3-8B", "H100-80GB-SXM", 1, 8192, FitOutcome.Fits)]
    [InlineData("Qwen/Qwen3-8B", "RTX3060", 1, 8192, FitOutcome.CannotFit)]
    [InlineData("Qwen/Qwen3-32B", "L4", 1, 8192, FitOutcome.CannotFit)]
    [InlineData("Qwen/Qwen3-32B", "H100-80GB-SXM", 2, 8192, FitOutcome.Fits)]
    [InlineData("Qwen/Qwen3-32B-AWQ", "RTX3090", 1, 4096, FitOutcome.Tight)]
    [InlineData("deepseek-ai/DeepSeek-V3", "H100-80GB-SXM", 8, 8192, FitOutcome.CannotFit)]
    [InlineData("deepseek-ai/DeepSeek-V3", "H200-141GB-SXM", 8, 8192, FitOutcome.Fits)]
    [InlineData("BAAI/bge-m3", "T4", 1, 8192, FitOutcome.Fits)]
    public void Well_known_pairs_get_the_expected_verdict(
        string model,
        string gpu,
        int count,
        long context,
        FitOutcome outcome
    ) => Assert.Equal(outcome, GpuFit.Judge(TestModels.Shipped(model), Request(context), Gpu(gpu), count).Outcome);

    [Fact]
    public void Vllm_needs_a_GPU_count_that_divides_the_heads_and_llama_cpp_does_not()
    {
        var model = TestModels.Shipped("Qwen/Qwen2.5-7B"); // 28 heads

        Assert.Equal(FitObstacle.GpuCount, GpuFit.Judge(model, Request(4096), H100, 8).Obstacle);
        Assert.Equal(FitOutcome.Fits, GpuFit.Judge(model, Request(4096), H100, 4).Outcome);
        Assert.Equal(FitOutcome.Fits, GpuFit.Judge(model, Request(4096, preset: "llama-server"), H100, 8).Outcome);
    }

    [Fact]
    public void Tensor_parallelism_splits_KV_heads_and_copies_the_last_one_and_latent_caches()
    {
        var qwen = TestModels.Shipped("Qwen/Qwen3-30B-A3B"); // 4 KV heads
        var deepSeek = TestModels.Shipped("deepseek-ai/DeepSeek-V3");

        Assert.Equal(CacheBytes(qwen, 1) / 4, CacheBytes(qwen, 4));
        Assert.Equal(CacheBytes(qwen, 4), CacheBytes(qwen, 8));
        Assert.Equal(CacheBytes(deepSeek, 1), CacheBytes(deepSeek, 8));

        static long CacheBytes(ModelFacts model, int gpus) =>
            GpuFit
                .Budget(model, Request(8192), gpus)
                ?.Lines.Single(line => line.Purpose == VramPurpose.KvCache)
                .ExpectedBytes
            ?? 0;
    }

    [Fact]
    public void An_old_gpu_cannot_run_fp8_whatever_its_memory() =>
        Assert.Equal(
            FitObstacle.WeightFormat,
            GpuFit.Judge(TestModels.Shipped("Qwen/Qwen3-8B-FP8"), Request(1024), Gpu("V100-32GB-SXM"), 1).Obstacle
        );

    [Theory]
    [InlineData(0, 1, FitRequestFault.ContextBelowOne, 1)]
    [InlineData(40_961, 1, FitRequestFault.ContextExceedsModelMaximum, 40_960)]
    [InlineData(1, 0, FitRequestFault.ParallelSequencesOutOfRange, 1)]
    [InlineData(1, 65_537, FitRequestFault.ParallelSequencesOutOfRange, 65_536)]
    public void A_request_out_of_range_is_refused_with_the_nearest_value(
        long context,
        int parallel,
        FitRequestFault fault,
        long limit
    )
    {
        var model = TestModels.Shipped("Qwen/Qwen3-8B");
        var request = Request(context, parallel);

        Assert.Equal((fault, limit), (request.Validate(model)?.Fault, request.Validate(model)?.Limit));
        Assert.Equal(FitObstacle.Request, GpuFit.Judge(model, request, H100, 1).Obstacle);
        Assert.Equal(fault, GpuIncompatibleFacts.Of(model, request, H100, 1, Catalogue).RequestRefusal?.Fault);
    }

    [Fact]
    public void The_explanation_names_what_would_fit()
    {
        var facts = GpuIncompatibleFacts.Of(TestModels.Shipped("Qwen/Qwen3-32B"), Request(32_768), L4, 1, Catalogue);

        Assert.Equal(FailureCode.GpuIncompatible, facts.Code);
        Assert.Equal(FitObstacle.Vram, facts.Obstacle);
        Assert.Equal(61.02, facts.Lines[0].ExpectedBytes / (double)(1L << 30), 0.01);
        Assert.Equal(8.0, facts.Lines[1].ExpectedBytes / (double)(1L << 30), 0.001);
        Assert.NotNull(facts.SmallestGpu);
        Assert.Null(facts.LargestContextTokens);
        Assert.Null(facts.FormatThatFits);
        Assert.True(facts.NeededBytesPerGpu > facts.UsableBytesPerGpu);
    }

    [Fact]
    public void A_smaller_format_is_proposed_only_where_it_is_native()
    {
        var model = TestModels.Shipped("Qwen/Qwen3-8B");

        Assert.Equal(WeightFormat.Fp8, GpuFit.WeightFormatThatFits(model, Request(8192), L4, 1, _ => true));
        Assert.Equal(WeightFormat.Int8, GpuFit.WeightFormatThatFits(model, Request(8192), Gpu("A10"), 1, _ => true));
    }

    [Fact]
    public void Without_a_gpu_the_explanation_still_has_the_breakdown()
    {
        var facts = GpuIncompatibleFacts.Of(
            TestModels.Shipped("deepseek-ai/DeepSeek-V3"),
            Request(8192),
            null,
            null,
            Catalogue
        );

        Assert.Null(facts.Gpu);
        Assert.Null(facts.UsableBytesPerGpu);
        Assert.Equal(5, facts.Lines.Length);
        Assert.NotNull(facts.SmallestGpu);
    }

    [Fact]
    public void After_an_OOM_a_lower_context_and_a_larger_gpu_are_proposed()
    {
        var model = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var ran = Request(29_000);
        var remedy = OomRemedy.For(model, ran, Gpu("RTX3090"), 1, Catalogue);

        var context = remedy.ContextTokens ?? 0;
        Assert.InRange(context, 16, 28_999);
        Assert.Equal(
            FitOutcome.Fits,
            GpuFit.Judge(model, ran with { ContextTokens = context }, Gpu("RTX3090"), 1).Outcome
        );
        var larger = Gpu(remedy.Gpu ?? "");
        Assert.True(larger.VramBytes * remedy.GpuCount > Gpu("RTX3090").VramBytes);
        Assert.Equal(FitOutcome.Fits, GpuFit.Judge(model, ran, larger, remedy.GpuCount ?? 0).Outcome);
    }

    [Fact]
    public void When_the_estimate_was_wrong_half_the_context_or_half_as_much_memory_again_is_proposed()
    {
        var model = TestModels.Shipped("Qwen/Qwen3-8B");
        var died = new OutOfMemoryRun(H100, 1, 8192, 1);
        var learned = Request(8192) with { Shortfall = VramShortfall.Of(model, Request(8192), [died]) };

        var remedy = OomRemedy.For(model, learned, H100, 1, Catalogue);

        Assert.Equal(4096, remedy.ContextTokens);
        Assert.True(Gpu(remedy.Gpu!).VramBytes * remedy.GpuCount >= H100.VramBytes * 3 / 2);
    }

    [Property(MaxTest = 500)]
    public void More_context_never_needs_less_memory(int model, uint context, uint more, int kv, int gpus)
    {
        var (facts, request) = Pick(model, context, 1, kv);
        var larger = request with
        {
            ContextTokens = Math.Min(request.ContextTokens + (more % 100_000), facts.MaxContextTokens ?? 1 << 20),
        };
        AssertNeverLess(facts, request, larger, gpus);
    }

    [Property(MaxTest = 500)]
    public void More_parallel_sequences_never_need_less_memory(
        int model,
        uint context,
        uint parallel,
        uint more,
        int kv,
        int gpus
    )
    {
        var (facts, request) = Pick(model, context, parallel, kv);
        AssertNeverLess(
            facts,
            request,
            request with
            {
                ParallelSequences = request.ParallelSequences + (int)(more % 256),
            },
            gpus
        );
    }

    [Property(MaxTest = 500)]
    public void The_largest_context_fits_and_one_block_more_does_not(
        int model,
        uint parallel,
        int kv,
        int gpu,
        int gpus
    )
    {
        var (facts, request) = Pick(model, 1, parallel, kv);
        var shape = new GpuGroup(At(Catalogue.All, gpu), At(GpuCatalogue.Counts, gpus));
        var max = facts.MaxContextTokens ?? LaunchPlan.MaxContextTokens;
        if (GpuFit.LargestContextThatFits(facts, request, shape.Gpu, shape.Count) is not { } largest)
        {
            Assert.NotEqual(FitOutcome.Fits, Outcome(GpuFit.ContextStep));
            return;
        }

        Assert.Equal(FitOutcome.Fits, Outcome(largest));
        Assert.True(largest == max || Outcome(Math.Min(max, largest + GpuFit.ContextStep)) != FitOutcome.Fits);

        FitOutcome Outcome(long context) =>
            GpuFit
                .Judge(facts, request with { ContextTokens = Math.Min(context, max) }, shape.Gpu, shape.Count)
                .Outcome;
    }

    [Property(MaxTest = 500)]
    public void The_smallest_shape_fits_and_nothing_smaller_does(int model, uint context, uint parallel, int kv)
    {
        var (facts, request) = Pick(model, context, parallel, kv);
        var smallest = GpuFit.SmallestThatFits(facts, request, Catalogue);
        var smaller = Catalogue.ShapesBySize.TakeWhile(shape => shape != smallest).Where(shape => shape.Gpu.IsCuda);

        Assert.True(
            smallest is null || GpuFit.Judge(facts, request, smallest.Gpu, smallest.Count).Outcome == FitOutcome.Fits
        );
        Assert.DoesNotContain(
            smaller,
            shape => GpuFit.Judge(facts, request, shape.Gpu, shape.Count).Outcome == FitOutcome.Fits
        );
    }

    [Fact]
    public void Stored_types_survive_JSON()
    {
        foreach (var facts in ModelCatalogue.Names.Select(TestModels.Shipped))
        {
            var text = JsonSerializer.Serialize(facts, Json);
            var back = JsonSerializer.Deserialize<ModelFacts>(text, Json);

            Assert.NotNull(back);
            Assert.Equal(text, JsonSerializer.Serialize(back, Json));
            Assert.Equal(facts.Weights, back.Weights);
            Assert.Equal(facts.Caches, back.Caches);
        }

        var request = Request(8192) with { Format = WeightFormat.Int8 };
        Assert.Equal(request, JsonSerializer.Deserialize<LaunchPlan>(JsonSerializer.Serialize(request, Json), Json));
        var budget = GpuFit.Budget(TestModels.Shipped("Qwen/Qwen3-8B"), request, 1);
        Assert.Equal(
            budget?.Lines,
            JsonSerializer.Deserialize<VramBudget>(JsonSerializer.Serialize(budget, Json), Json)?.Lines
        );
        var verdict = GpuFit.Judge(TestModels.Shipped("Qwen/Qwen3-8B"), request, H100, 1);
        Assert.Equal(verdict, JsonSerializer.Deserialize<FitVerdict>(JsonSerializer.Serialize(verdict, Json), Json));
    }

    [Fact]
    public void Types_sent_to_grains_survive_the_Orleans_serializer()
    {
        using var services = new ServiceCollection()
            .AddSerializer(builder => builder.AddAssembly(typeof(ModelFacts).Assembly))
            .BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        var facts = TestModels.Shipped("openai/gpt-oss-120b");
        var back = serializer.Deserialize<ModelFacts>(serializer.SerializeToArray(facts));
        Assert.Equal(JsonSerializer.Serialize(facts, Json), JsonSerializer.Serialize(back, Json));
        var request = Request(8192) with { Format = WeightFormat.Fp8 };
        Assert.Equal(request, serializer.Deserialize<LaunchPlan>(serializer.SerializeToArray(request)));
        var verdict = GpuFit.Judge(facts, request, H100, 1);
        Assert.Equal(verdict, serializer.Deserialize<FitVerdict>(serializer.SerializeToArray(verdict)));
    }

    private static void AssertNeverLess(ModelFacts facts, LaunchPlan request, LaunchPlan larger, int gpus)
    {
        foreach (var preset in (ReadOnlySpan<string>)["vllm", "llama-server"])
        {
            var count = At(GpuCatalogue.Counts, gpus);
            if (
                GpuFit.Budget(facts, request with { EnginePreset = preset }, count) is { } less
                && GpuFit.Budget(facts, larger with { EnginePreset = preset }, count) is { } more
            )
            {
                Assert.All(
                    less.Lines.Zip(more.Lines),
                    pair =>
                        Assert.True(
                            pair.First.LowBytes <= pair.Second.LowBytes
                                && pair.First.ExpectedBytes <= pair.Second.ExpectedBytes
                                && pair.First.HighBytes <= pair.Second.HighBytes
                                && pair.First.LowBytes <= pair.First.ExpectedBytes
                                && pair.First.ExpectedBytes <= pair.First.HighBytes
                        )
                );
            }
        }
    }

    private static (ModelFacts Facts, LaunchPlan Request) Pick(int model, uint context, uint parallel, int kv)
    {
        var facts = TestModels.Shipped(At(ModelCatalogue.Names, model));
        var max = facts.MaxContextTokens ?? 1 << 20;
        var format = At(Enum.GetValues<KvFormat>(), kv);
        return (facts, new LaunchPlan(null, format, 1 + (context * 7919L % max), 1 + (int)(parallel % 300), "vllm"));
    }

    private static T At<T>(IReadOnlyList<T> list, int index) => list[(index & int.MaxValue) % list.Count];

    private static LaunchPlan Request(long context, int parallel = 1, string preset = "vllm") =>
        new(null, KvFormat.Bf16, context, parallel, preset);

    private static GpuType Gpu(string name) => Catalogue.Find(name) ?? throw new InvalidOperationException(name);
}
