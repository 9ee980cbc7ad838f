using FsCheck.Xunit;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>What a run that ended out of memory proves about later launches of the same model.</summary>
public sealed class VramShortfallTests
{
    private static readonly GpuCatalogue Catalogue = GpuCatalogue.Shipped;
    private static readonly int[] Counts = [1, 2, 4, 8];

    [Property(MaxTest = 500)]
    public void The_launch_that_died_no_longer_fits_but_stays_permitted(int model, uint context, int gpu, int count)
    {
        var (facts, request, run) = Pick(model, context, gpu, count);
        var before = GpuFit.Judge(facts, request, run.Gpu, run.GpuCount);

        var after = GpuFit.Judge(facts, Learned(facts, request, run), run.Gpu, run.GpuCount);

        Assert.Equal(before.IsCompatible ? FitOutcome.Tight : FitOutcome.CannotFit, after.Outcome);
        if (before.IsCompatible)
        {
            Assert.True(after.ExpectedBytes > after.UsableBytes);
        }
    }

    [Property(MaxTest = 500)]
    public void More_context_on_GPUs_with_as_little_memory_or_less_cannot_fit(
        int model,
        uint context,
        uint more,
        int gpu,
        int other
    )
    {
        var (facts, request, run) = Pick(model, context, gpu, 0);
        var smaller = At(Catalogue.All, other);
        var larger = request with { ContextTokens = request.ContextTokens + 1_000 + (more % 100_000) };
        if (smaller.VramBytes > run.Gpu.VramBytes || larger.Validate(facts) is not null)
        {
            return;
        }

        var learned = Learned(facts, request, run);

        if (NeedsMore(facts, request, larger))
        {
            Assert.False(GpuFit.Judge(facts, larger with { Shortfall = learned.Shortfall }, smaller, 1).IsCompatible);
        }
    }

    [Property(MaxTest = 500)]
    public void A_proposed_context_is_smaller_and_a_proposed_GPU_has_half_as_much_memory_again(
        int model,
        uint context,
        int gpu,
        int count
    )
    {
        var (facts, request, run) = Pick(model, context, gpu, count);
        if (GpuFit.Judge(facts, request, run.Gpu, run.GpuCount).Outcome != FitOutcome.Fits)
        {
            return;
        }

        var learned = Learned(facts, request, run);
        var remedy = OomRemedy.For(facts, learned, run.Gpu, run.GpuCount, Catalogue);

        if (remedy.ContextTokens is { } less)
        {
            var there = learned with { ContextTokens = less };
            Assert.True(less < request.ContextTokens);
            Assert.Equal(FitOutcome.Fits, GpuFit.Judge(facts, there, run.Gpu, run.GpuCount).Outcome);
        }

        if (remedy.Gpu is { } name)
        {
            var larger = Catalogue.Find(name)!;
            Assert.Equal(FitOutcome.Fits, GpuFit.Judge(facts, learned, larger, remedy.GpuCount!.Value).Outcome);
            Assert.True(larger.VramBytes * remedy.GpuCount >= run.Gpu.VramBytes * run.GpuCount * 3 / 2);
        }
    }

    [Fact]
    public void The_budget_shows_what_was_learned_in_a_line_of_its_own()
    {
        var facts = TestModels.Shipped("Qwen/Qwen2.5-7B-Instruct");
        var request = new LaunchPlan(null, KvFormat.Bf16, 16_384, 1, "vllm");
        var l4 = Catalogue.Find("L4")!;
        var learned = Learned(facts, request, new OutOfMemoryRun(l4, 1, 16_384, 1));

        Assert.DoesNotContain(GpuFit.Budget(facts, request, 1)!.Lines, line => line.Purpose == VramPurpose.Learned);
        var budget = GpuFit.Budget(facts, learned, 1)!;

        Assert.Equal(VramPurpose.Learned, budget.Lines[^1].Purpose);
        Assert.Equal(GpuFit.UsableBytes(l4, request) + 1, budget.ExpectedBytes);
        Assert.Null(VramShortfall.Of(facts, request, []));
    }

    private static bool NeedsMore(ModelFacts facts, LaunchPlan request, LaunchPlan larger) =>
        GpuFit.Budget(facts, larger, 1) is { } more
        && GpuFit.Budget(facts, request, 1) is { } less
        && more.LowBytes > less.LowBytes;

    private static LaunchPlan Learned(ModelFacts facts, LaunchPlan request, OutOfMemoryRun run) =>
        request with
        {
            Shortfall = VramShortfall.Of(facts, request, [run]),
        };

    private static (ModelFacts Facts, LaunchPlan Request, OutOfMemoryRun Run) Pick(
        int model,
        uint context,
        int gpu,
        int count
    )
    {
        var facts = TestModels.Shipped(At(ModelCatalogue.Names, model));
        var tokens = 1 + (context * 7919L % (facts.MaxContextTokens ?? 1 << 20));
        var request = new LaunchPlan(null, KvFormat.Bf16, tokens, 1, "vllm");
        return (facts, request, new OutOfMemoryRun(At(Catalogue.All, gpu), At(Counts, count), tokens, 1));
    }

    private static T At<T>(IReadOnlyList<T> list, int index) => list[(index & int.MaxValue) % list.Count];
}
