using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>Each quantity of a plan changes the estimate as it changes the engine.</summary>
public sealed class LaunchPlanTests
{
    private static readonly ModelFacts Model = TestModels.Shipped("Qwen/Qwen2.5-7B");
    private static readonly GpuType Gpu = GpuCatalogue.Shipped.Find("L40S")!;
    private static readonly LaunchPlan Plan = new(null, KvFormat.Bf16, 8192, 1, "vllm");

    [Theory]
    [InlineData(500, 0.5)]
    [InlineData(950, 0.95)]
    public void A_share_of_the_memory_replaces_the_engine_s_default(int share, double expected)
    {
        var all = GpuFit.UsableBytes(Gpu, Plan with { MemoryPerMille = 1000 });

        Assert.Equal(expected, GpuFit.UsableBytes(Gpu, Plan with { MemoryPerMille = share }) / (double)all, 0.001);
        Assert.Equal(0.9, GpuFit.UsableBytes(Gpu, Plan) / (double)all, 0.001);
    }

    [Fact]
    public void A_lower_share_is_judged_as_what_is_left()
    {
        Assert.Equal(FitOutcome.Fits, Judge(Plan).Outcome);
        Assert.Equal(FitOutcome.CannotFit, Judge(Plan with { MemoryPerMille = 300 }).Outcome);
    }

    [Fact]
    public void Adapters_take_two_matrices_of_their_rank_for_each_dense_matrix()
    {
        // Per layer of width 3,584 with 28 heads and 4 KV heads of 128, and a feed-forward width of 18,944.
        long[] sums = [3584 + 3584, 3584 + 512, 3584 + 512, 3584 + 3584, 3584 + 18_944, 3584 + 18_944, 18_944 + 3584];
        var expected = 28 * sums.Sum() * 16 * 2 * 4;

        var more = Line(Plan with { Lora = new LoraSlots(4, 16) }, VramPurpose.Weights, 1);
        var less = Line(Plan, VramPurpose.Weights, 1);

        Assert.Equal(expected, more.ExpectedBytes - less.ExpectedBytes);
        var split = Line(Plan with { Lora = new LoraSlots(4, 16) }, VramPurpose.Weights, 2);
        var plain = Line(Plan, VramPurpose.Weights, 2);
        Assert.Equal(expected / 2, split.LowBytes - plain.LowBytes);
        Assert.InRange(split.ExpectedBytes - plain.ExpectedBytes, expected / 2, expected);
    }

    [Fact]
    public void A_draft_model_adds_its_weights_and_its_cache()
    {
        var draft = TestModels.Shipped("Qwen/Qwen2.5-0.5B");
        var with = Plan with { Draft = new DraftModel(draft.Name, 4) };

        Assert.Equal(
            Line(draft, Plan, VramPurpose.Weights).ExpectedBytes,
            Line(with, VramPurpose.Weights, 1).ExpectedBytes - Line(Plan, VramPurpose.Weights, 1).ExpectedBytes
        );
        Assert.Equal(
            Line(draft, Plan, VramPurpose.KvCache).ExpectedBytes,
            Line(with, VramPurpose.KvCache, 1).ExpectedBytes - Line(Plan, VramPurpose.KvCache, 1).ExpectedBytes
        );
        Assert.Equal(Budget(Plan), Budget(Plan with { Draft = new DraftModel(null, 4) }));
    }

    [Fact]
    public void Tokens_of_a_step_and_sequences_at_once_change_the_activations()
    {
        var few = Line(Plan with { BatchTokens = 2048 }, VramPurpose.Activations, 1);
        var many = Line(Plan with { BatchTokens = 16_384 }, VramPurpose.Activations, 1);
        var together = Line(Plan with { SequencesAtOnce = 512 }, VramPurpose.Activations, 1);
        var alone = Line(Plan, VramPurpose.Activations, 1);

        Assert.Equal(Line(Plan, VramPurpose.Activations, 1).LowBytes, few.ExpectedBytes);
        Assert.InRange(many.ExpectedBytes, 7 * few.ExpectedBytes, 8 * few.ExpectedBytes);
        Assert.Equal(511L * 152_064 * 4, together.ExpectedBytes - alone.ExpectedBytes);
    }

    [Fact]
    public void An_engine_on_one_GPU_is_not_judged_on_several() =>
        Assert.Equal(FitObstacle.GpuCount, GpuFit.Judge(Model, Plan with { EnginePreset = "tei" }, Gpu, 2).Obstacle);

    [Fact]
    public void The_cache_holds_what_weights_and_activations_leave()
    {
        var room = GpuFit.RoomFor(Model, Plan, Gpu, 1, 2048)!.Value;
        var budget = GpuFit.Budget(Model, Plan, 1)!;
        var free =
            GpuFit.UsableBytes(Gpu, Plan)
            - budget.ExpectedBytes
            + budget.Lines.Single(line => line.Purpose == VramPurpose.KvCache).ExpectedBytes;

        Assert.Equal(free / 57_344, room.Tokens);
        Assert.Equal(free / 57_344 / 2048, room.Requests);
        Assert.Equal(2048, room.RequestTokens);
        Assert.Equal(5, GpuFit.RoomFor(Model, Plan with { SequencesAtOnce = 5 }, Gpu, 1, 2048)!.Value.Requests);
        Assert.Equal(100, GpuFit.RoomFor(Model, Plan with { ContextTokens = 100 }, Gpu, 1, 2048)!.Value.RequestTokens);
        Assert.Null(GpuFit.RoomFor(Model, Plan with { MemoryPerMille = 300 }, Gpu, 1, 2048));
    }

    [Fact]
    public void The_cache_of_llama_cpp_has_the_size_that_the_plan_states()
    {
        var room = GpuFit.RoomFor(
            Model with
            {
                NativeFormat = WeightFormat.Gguf,
            },
            Plan with
            {
                EnginePreset = "llama-server",
                ParallelSequences = 2,
            },
            Gpu,
            1,
            2048
        );

        Assert.Equal(new CacheRoom(16_384, 2048, 2), room);
    }

    /// <summary>A hint that names a format which the engine cannot load repairs nothing.</summary>
    [Fact]
    public void No_engine_is_proposed_a_format_that_it_has_no_way_to_load()
    {
        foreach (var engine in KnownEngines.All)
        {
            foreach (var facts in ModelCatalogue.Names.Select(TestModels.Shipped))
            {
                foreach (var gpu in (string[])["L4", "A10", "H100-80GB-SXM"])
                {
                    var refused = GpuIncompatibleFacts.Of(
                        facts,
                        Plan with
                        {
                            EnginePreset = engine.Name,
                        },
                        GpuCatalogue.Shipped.Find(gpu),
                        1,
                        GpuCatalogue.Shipped
                    );

                    Assert.True(refused.FormatThatFits is not { } format || engine.CanLoad(facts, format));
                }
            }
        }
    }

    private static FitVerdict Judge(LaunchPlan plan) => GpuFit.Judge(Model, plan, Gpu, 1);

    private static string Budget(LaunchPlan plan) => string.Join(' ', GpuFit.Budget(Model, plan, 1)!.Lines);

    private static VramLine Line(LaunchPlan plan, VramPurpose purpose, int gpus) =>
        GpuFit.Budget(Model, plan, gpus)!.Lines.Single(line => line.Purpose == purpose);

    private static VramLine Line(ModelFacts model, LaunchPlan plan, VramPurpose purpose) =>
        GpuFit.Budget(model, plan, 1)!.Lines.Single(line => line.Purpose == purpose);
}
