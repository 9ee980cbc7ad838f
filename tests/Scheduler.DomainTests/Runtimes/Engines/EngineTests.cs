using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes.Engines;

/// <summary>What is judged is what runs: each quantity of a plan reaches the command line of every engine.</summary>
public sealed class EngineTests
{
    public static TheoryData<string> Names => [.. KnownEngines.All.Select(engine => engine.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_quantity_has_an_option_or_a_stated_default(string name)
    {
        var engine = KnownEngines.Find(name)!;
        foreach (var quantity in Enum.GetValues<PlanQuantity>())
        {
            var hasOption = engine.PlanOptions.Any(option => option.Quantity == quantity);
            var hasDefault = engine.Defaults.TryGetValue(quantity, out var reason);
            Assert.True(
                hasOption ^ hasDefault,
                $"{name}: {quantity} has an option: {hasOption}, a default: {hasDefault}."
            );
            Assert.True(reason is null or [.., '.'], $"{name}: {quantity}");
        }
    }

    /// <summary>A plan that differs in one quantity is refused, or its command line differs.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_quantity_changes_the_command_line_or_is_refused(string name)
    {
        var engine = KnownEngines.Find(name)!;
        var facts = FactsFor(engine);
        var plan = new LaunchPlan(null, KvFormat.Bf16, 4096, 2, name);
        (PlanQuantity Quantity, LaunchPlan Changed)[] changes =
        [
            .. Enum.GetValues<WeightFormat>()
                .Where(format => format != facts.NativeFormat)
                .Select(format => (PlanQuantity.Weights, plan with { Format = format })),
            .. Enum.GetValues<KvFormat>()
                .Where(format => format != KvFormat.Bf16)
                .Select(format => (PlanQuantity.Cache, plan with { Kv = format })),
            (PlanQuantity.Context, plan with { ContextTokens = 8192 }),
            (PlanQuantity.Sequences, plan with { ParallelSequences = 3 }),
            (PlanQuantity.SequencesAtOnce, plan with { SequencesAtOnce = 7 }),
            (PlanQuantity.TensorParallel, plan with { TensorParallel = 2 }),
            (PlanQuantity.PipelineParallel, plan with { PipelineParallel = 2 }),
            (PlanQuantity.WholeExperts, plan with { HasWholeExperts = true }),
            (PlanQuantity.MemoryShare, plan with { MemoryPerMille = 800 }),
            (PlanQuantity.BatchTokens, plan with { BatchTokens = 1024 }),
            (PlanQuantity.Lora, plan with { Lora = new LoraSlots(3, 32) }),
            (PlanQuantity.Draft, plan with { Draft = new DraftModel(null, 4) }),
        ];
        foreach (var (quantity, changed) in changes)
        {
            var isPrinted = !engine.Print(changed).SequenceEqual(engine.Print(plan));
            var isRefused = engine.Preset.FaultOf(changed, facts) is not null;
            // These hold by the defaults that the engine's file states: the estimate sizes by them, and no option does.
            var isByDefault =
                quantity
                    is PlanQuantity.Context
                        or PlanQuantity.Sequences
                        or PlanQuantity.TensorParallel
                        or PlanQuantity.PipelineParallel
                && engine.Defaults.ContainsKey(quantity);
            Assert.True(isPrinted || isRefused || isByDefault, $"{name}: {quantity} of {changed}");
        }
    }

    [Property(MaxTest = 300)]
    public Property A_printed_plan_is_read_back() =>
        Prop.ForAll(
            Plans().ToArbitrary(),
            plan =>
            {
                var engine = KnownEngines.Find(plan.EnginePreset)!;
                var known = new LaunchPlan(null, KvFormat.Bf16, plan.ContextTokens, plan.ParallelSequences, engine.Name)
                {
                    TensorParallel = plan.TensorParallel,
                };
                var back = Back(engine, known, engine.Print(plan));
                Assert.Equal(plan, back);
            }
        );

    [Theory]
    [MemberData(nameof(Names))]
    public void No_two_options_of_an_engine_have_the_same_name(string name)
    {
        var engine = KnownEngines.Find(name)!;
        var names = engine
            .PlanOptions.SelectMany(option => option.Names)
            .Concat(engine.Options.SelectMany(option => option.Names))
            .GroupBy(option => option.Replace('_', '-'), StringComparer.Ordinal)
            .Where(group => group.Count() > 1)
            .Select(group => group.Key);

        Assert.Empty(names);
    }

    [Theory]
    [InlineData("vllm", WeightFormat.Fp8, true)]
    [InlineData("vllm", WeightFormat.Int4, false)]
    [InlineData("vllm", WeightFormat.NvFp4, false)]
    [InlineData("sglang", WeightFormat.Fp8, true)]
    [InlineData("tgi", WeightFormat.Int8, true)]
    [InlineData("trtllm-serve", WeightFormat.Fp8, false)]
    [InlineData("llama-server", WeightFormat.Bf16, false)]
    public void A_format_that_an_engine_has_no_way_to_load_is_not_loaded(string name, WeightFormat format, bool can) =>
        Assert.Equal(can, KnownEngines.Find(name)!.CanLoad(ModelCatalogue.Find("Qwen/Qwen2.5-7B")!, format));

    /// <summary>Reads options in any order, as the engine's parser would; later ones may depend on earlier ones.</summary>
    private static LaunchPlan Back(Engine engine, LaunchPlan known, ImmutableArray<string> arguments)
    {
        var plan = known;
        for (var at = 0; at < arguments.Length; at++)
        {
            var option = engine.PlanOptions.Single(option => option.Names.Contains(arguments[at]));
            plan = option.Read(plan, option.IsFlag ? "" : arguments[++at])!;
            Assert.NotNull(plan);
        }

        return plan;
    }

    internal static ModelFacts FactsFor(Engine engine) =>
        ModelCatalogue.Find("Qwen/Qwen2.5-7B")! is var facts && engine.Reads(facts.NativeFormat)
            ? facts
            : facts with
            {
                NativeFormat = WeightFormat.Gguf,
            };

    private static Gen<LaunchPlan> Plans() =>
        from engine in Gen.Elements(KnownEngines.All.Where(engine => engine.Name != "ollama"))
        from format in Gen.Elements<WeightFormat?>([null, .. Formats(engine).Select(format => (WeightFormat?)format)])
        from kv in Gen.Elements<KvFormat>(Kvs(engine))
        from context in Gen.Choose(1, 1 << 20)
        from sequences in Gen.Choose(1, 64)
        from more in Gen.Choose(0, 100)
        from share in Gen.Choose(50, 1000)
        from batch in Gen.Choose(1, 1 << 16)
        from gpus in Gen.Elements(1, 2, 4, 8)
        from slots in Gen.Choose(1, 64)
        from rank in Gen.Choose(1, 512)
        from bits in Gen.Choose(0, 255)
        from draft in Gen.Elements<string?>(null, "Qwen/Qwen2.5-0.5B")
        let states = new Func<PlanQuantity, int, bool>(
            (quantity, bit) => (bits & (1 << bit)) != 0 && engine.PlanOptions.Any(option => option.Quantity == quantity)
        )
        select new LaunchPlan(format, kv, context, sequences, engine.Name)
        {
            SequencesAtOnce = states(PlanQuantity.SequencesAtOnce, 0) && more > 0 ? sequences + more : null,
            MemoryPerMille = states(PlanQuantity.MemoryShare, 1) ? share : null,
            BatchTokens = states(PlanQuantity.BatchTokens, 2) ? batch : null,
            HasWholeExperts = states(PlanQuantity.WholeExperts, 3),
            Lora = states(PlanQuantity.Lora, 4) ? new LoraSlots(slots, rank) : null,
            Draft = states(PlanQuantity.Draft, 5) ? new DraftModel(draft, 1 + (slots % 8)) : null,
            TensorParallel = states(PlanQuantity.TensorParallel, 6) ? gpus : 1,
        };

    private static ImmutableArray<WeightFormat> Formats(Engine engine) =>
        engine.PlanOptions.Any(option => option.Quantity == PlanQuantity.Weights) ? engine.Converts : [];

    private static ImmutableArray<KvFormat> Kvs(Engine engine) =>
        engine.PlanOptions.Any(option => option.Quantity == PlanQuantity.Cache) ? engine.Caches : [KvFormat.Bf16];
}
