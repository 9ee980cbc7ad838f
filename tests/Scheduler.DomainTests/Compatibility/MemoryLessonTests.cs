using System.Collections.Immutable;
using FsCheck.Xunit;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>What reports of starts do to later estimates of the same model.</summary>
public sealed class MemoryLessonTests
{
    private static readonly string[] Engines = ["vllm", "sglang", "llama-server"];

    private static readonly GpuType Gpu = GpuCatalogue.Shipped.Find("H100-80GB-SXM")!;

    [Property(MaxTest = 300)]
    public void A_report_inside_the_band_narrows_it_and_lies_inside(int model, int engine, uint context, uint at)
    {
        var (facts, plan) = Pick(model, engine, context);
        if (GpuFit.Budget(facts, plan, 1) is not { } before)
        {
            return;
        }

        var need = Between(at, NeedLow(before), NeedHigh(before));
        if (ReportOf(facts, plan, need) is not { } figures)
        {
            return;
        }

        var after = BudgetOf(facts, plan, Learn([], facts, plan, figures));

        Assert.True(after.LowBytes >= before.LowBytes && after.HighBytes <= before.HighBytes);
        Assert.InRange(need, NeedLow(after) - 1000, NeedHigh(after) + 1000);
    }

    [Property(MaxTest = 300)]
    public void Further_reports_inside_the_band_only_narrow_it(int model, uint context, uint first, uint second)
    {
        var (facts, plan) = Pick(model, 0, context);
        if (
            GpuFit.Budget(facts, plan, 1) is not { } before
            || ReportOf(facts, plan, Between(first, NeedLow(before), NeedHigh(before))) is not { } one
        )
        {
            return;
        }

        var known = Learn([], facts, plan, one);
        var once = BudgetOf(facts, plan, known);
        if (ReportOf(facts, plan, Between(second, NeedLow(once) + 1000, NeedHigh(once) - 1000)) is not { } other)
        {
            return;
        }

        var twice = BudgetOf(facts, plan, Learn(known, facts, plan, other));

        Assert.True(twice.LowBytes >= once.LowBytes && twice.HighBytes <= once.HighBytes);
    }

    [Property(MaxTest = 300)]
    public void A_report_far_outside_moves_the_band_to_it_and_never_below_the_weights(int model, uint context, uint at)
    {
        var (facts, plan) = Pick(model, 0, context);
        if (
            GpuFit.Budget(facts, plan, 1) is not { } before
            || ReportOf(facts, plan, Between(at, 0, Usable(plan))) is not { } figures
        )
        {
            return;
        }

        var need = Usable(plan) - figures.CacheBytes!.Value;
        var weights = before.Lines.Single(line => line.Purpose == VramPurpose.Weights).LowBytes;
        var after = BudgetOf(facts, plan, Learn([], facts, plan, figures));

        Assert.InRange(Math.Max(need, weights), NeedLow(after) - 1000, NeedHigh(after) + 1000);
        Assert.True(NeedLow(after) >= weights);
        Assert.True(after.LowBytes <= after.ExpectedBytes && after.ExpectedBytes <= after.HighBytes);
    }

    [Property(MaxTest = 300)]
    public void The_same_report_twice_changes_nothing(int model, int engine, uint context, uint at)
    {
        var (facts, plan) = Pick(model, engine, context);
        if (ReportOf(facts, plan, Between(at, 0, Usable(plan))) is not { } figures)
        {
            return;
        }

        var once = Learn([], facts, plan, figures);

        Assert.Equal(once.AsEnumerable(), Learn(once, facts, plan, figures).AsEnumerable());
    }

    [Property(MaxTest = 300)]
    public void An_end_out_of_memory_only_raises_what_reports_taught(int model, uint context, uint at)
    {
        var (facts, plan) = Pick(model, 0, context);
        if (
            GpuFit.Budget(facts, plan, 1) is null
            || ReportOf(facts, plan, Between(at, 0, Usable(plan))) is not { } figures
        )
        {
            return;
        }

        var taught = plan with { Lessons = MemoryLessons.For(plan, Learn([], facts, plan, figures)) };
        var run = new OutOfMemoryRun(Gpu, 1, plan.ContextTokens, plan.ParallelSequences);
        var warned = taught with { Shortfall = VramShortfall.Of(facts, taught, [run]) };

        var (before, after) = (GpuFit.Budget(facts, taught, 1, Gpu)!, GpuFit.Budget(facts, warned, 1, Gpu)!);
        Assert.True(after.LowBytes >= before.LowBytes);
        Assert.True(after.ExpectedBytes >= before.ExpectedBytes);
        Assert.True(after.HighBytes >= before.HighBytes);
        Assert.NotEqual(FitOutcome.Fits, GpuFit.Judge(facts, warned, Gpu, 1).Outcome);
    }

    [Fact]
    public void More_context_than_was_started_never_needs_less()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var plan = Plan("vllm", 4096);
        var known = Learn([], facts, plan, new StartFigures("0.11.0", CacheBytes: 50L << 30, CacheTokens: 409_600));
        var last = 0L;
        for (var context = 16L; context <= 131_072; context *= 2)
        {
            var budget = BudgetOf(facts, plan with { ContextTokens = context }, known);
            Assert.True(budget.LowBytes >= last);
            last = budget.LowBytes;
        }
    }

    [Fact]
    public void Another_version_GPU_number_or_shape_has_its_own_lesson()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var plan = Plan("vllm", 4096);
        var figures = new StartFigures("0.11.0", CacheBytes: 50L << 30);
        var known = Learn([], facts, plan, figures);

        Assert.NotNull(MemoryLessons.For(plan with { ContextTokens = 8192, MemoryPerMille = 800 }, known));
        Assert.Null(MemoryLessons.For(plan with { Kv = KvFormat.Fp8 }, known));
        Assert.Null(MemoryLessons.For(plan with { BatchTokens = 8192 }, known));
        var plain = GpuFit.Budget(facts, plan, 2)!.HighBytes;
        Assert.Equal(
            plain,
            GpuFit.Budget(facts, plan with { Lessons = MemoryLessons.For(plan, known) }, 2, Gpu)!.HighBytes
        );

        var later = Learn(known, facts, plan, figures with { EngineVersion = "0.12.0", CacheBytes = 55L << 30 });
        Assert.Equal("0.12.0", Assert.Single(later).EngineVersion);
        Assert.Equal(1, later[0].Reports);
    }

    [Fact]
    public void A_cache_that_holds_fewer_tokens_than_computed_raises_its_line()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var plan = Plan("vllm", 4096);
        // 131,072 bytes a token; the report says twice as much.
        var figures = new StartFigures("0.11.0", CacheBytes: 50L << 30, CacheTokens: 204_800);

        var after = BudgetOf(facts, plan, Learn([], facts, plan, figures));

        Assert.Equal(2 * 4096 * 131_072L, after.Lines.Single(l => l.Purpose == VramPurpose.KvCache).ExpectedBytes);
    }

    [Fact]
    public void Figures_that_cannot_be_true_teach_nothing()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var plan = Plan("vllm", 4096);
        foreach (
            var figures in new StartFigures[]
            {
                new(""),
                new("", CacheBytes: 81L << 30),
                new("", CacheBytes: -1),
                new("", CacheBytes: long.MaxValue, WeightBytes: long.MaxValue),
                new("", CacheTokens: 0),
            }
        )
        {
            Assert.True(Learn([], facts, plan, figures).IsEmpty);
        }
    }

    [Fact]
    public void The_oldest_lesson_is_forgotten_first()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var known = ImmutableArray<MemoryLesson>.Empty;
        for (var i = 0; i <= MemoryLessons.Kept; i++)
        {
            var plan = Plan("vllm", 4096) with { SequencesAtOnce = i + 1 };
            known = Learn(known, facts, plan, new StartFigures("", CacheBytes: 50L << 30));
        }

        Assert.Equal(MemoryLessons.Kept, known.Length);
        Assert.DoesNotContain(known, lesson => lesson.Shape.SequencesAtOnce == 1);
    }

    /// <summary>vllm#10517: a start at 20,000 tokens reported 3.81 GiB for the cache, one at 29,000 tokens 2.89 GiB.</summary>
    [Fact]
    public void The_report_of_a_smaller_context_narrows_the_band_around_the_next_one()
    {
        var facts = TestModels.Shipped("meta-llama/Llama-3.1-8B");
        var gpu = GpuCatalogue.Shipped.Find("RTX3090")!;
        var plan = Plan("vllm", 20_000);
        var figures = new StartFigures("0.6.3", CacheBytes: (long)(3.81 * (1L << 30)), CacheTokens: 31_232);
        var known = MemoryLessons.Learn([], facts, plan, gpu, 1, figures);
        var longer = plan with { ContextTokens = 29_000 };

        var before = GpuFit.Budget(facts, longer, 1)!;
        var after = GpuFit.Budget(facts, longer with { Lessons = MemoryLessons.For(plan, known) }, 1, gpu)!;

        var need = GpuFit.UsableBytes(gpu, plan) - (long)(2.89 * (1L << 30));
        Assert.InRange(need, NeedLow(after), NeedHigh(after));
        Assert.True(after.HighBytes - after.LowBytes < (before.HighBytes - before.LowBytes) / 2);
    }

    private static (ModelFacts Facts, LaunchPlan Plan) Pick(int model, int engine, uint context)
    {
        var names = ModelCatalogue.Names;
        var facts = ModelCatalogue.Find(names[Index(model, names.Count)])!;
        var most = Math.Min(facts.MaxContextTokens ?? 32_768, 200_000);
        return (facts, Plan(Engines[Index(engine, Engines.Length)], 1 + (context % most)));
    }

    private static int Index(int any, int count) => (int)((any + (1L << 31)) % count);

    private static LaunchPlan Plan(string engine, long context) => new(null, KvFormat.Bf16, context, 1, engine);

    private static ImmutableArray<MemoryLesson> Learn(
        ImmutableArray<MemoryLesson> known,
        ModelFacts facts,
        LaunchPlan plan,
        StartFigures figures
    ) => MemoryLessons.Learn(known, facts, plan, Gpu, 1, figures);

    private static VramBudget BudgetOf(ModelFacts facts, LaunchPlan plan, ImmutableArray<MemoryLesson> known) =>
        GpuFit.Budget(facts, plan with { Lessons = MemoryLessons.For(plan, known) }, 1, Gpu)!;

    /// <summary>A report of a need; null when no such start could report it.</summary>
    private static StartFigures? ReportOf(ModelFacts facts, LaunchPlan plan, long need)
    {
        if (GpuFit.Budget(facts, plan, 1) is not { } budget)
        {
            return null;
        }

        if (plan.EnginePreset != "llama-server")
        {
            return need <= Usable(plan) && need >= 0 ? new StartFigures("1", CacheBytes: Usable(plan) - need) : null;
        }

        var rest =
            need
            - budget
                .Lines.Where(line => line.Purpose is VramPurpose.Activations or VramPurpose.RuntimeOverhead)
                .Sum(line => line.ExpectedBytes);
        return rest > 0 && rest < Gpu.VramBytes ? new StartFigures("1", WeightBytes: rest) : null;
    }

    private static long Usable(LaunchPlan plan) => GpuFit.UsableBytes(Gpu, plan);

    private static long Between(uint at, long low, long high) =>
        high <= low ? low : low + (long)((Int128)(high - low) * at / uint.MaxValue);

    /// <summary>All but the cache.</summary>
    private static long NeedLow(VramBudget budget) => budget.LowBytes - CacheOf(budget).LowBytes;

    private static long NeedHigh(VramBudget budget) => budget.HighBytes - CacheOf(budget).HighBytes;

    private static VramLine CacheOf(VramBudget budget) =>
        budget.Lines.Single(line => line.Purpose == VramPurpose.KvCache);
}
