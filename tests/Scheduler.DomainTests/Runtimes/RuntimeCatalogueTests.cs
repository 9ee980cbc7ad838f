using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

public sealed class RuntimeCatalogueTests
{
    private static readonly ModelFacts Facts = ModelCatalogue.Find("Qwen/Qwen2.5-7B")!;

    private static readonly RuntimeCatalogue Catalogue = new([], ["--simulated-yes"], new RuntimeOptions());

    [Fact]
    public void The_plan_has_what_the_spec_and_its_arguments_state()
    {
        var spec = new LaunchSpec
        {
            WeightFormat = "fp8",
            KvFormat = "fp8",
            ContextTokens = 4096,
            ParallelSequences = 2,
            SequencesAtOnce = 64,
            RuntimeArguments = ["--gpu-memory-utilization", "0.8"],
            Constraints = new SmartConstraints { GpuCount = 2 },
        };

        Assert.Equal(
            new LaunchPlan(WeightFormat.Fp8, KvFormat.Fp8, 4096, 2, "vllm")
            {
                SequencesAtOnce = 64,
                MemoryPerMille = 800,
                TensorParallel = 2,
            },
            Catalogue.PlanOf(spec, Facts)
        );
    }

    [Fact]
    public void A_published_format_is_loaded_as_it_is() =>
        Assert.Null(Catalogue.PlanOf(new LaunchSpec { WeightFormat = "bf16" }, Facts).Format);

    [Theory]
    [InlineData(256, null)]
    [InlineData(300, 300)]
    public void An_engine_is_told_of_more_sequences_than_its_default(int sequences, int? told) =>
        Assert.Equal(told, Catalogue.PlanOf(new LaunchSpec { ParallelSequences = sequences }, Facts).SequencesAtOnce);

    [Theory]
    [InlineData("vllm", "fp8", "auto", "")]
    [InlineData("vllm", "bf16", "auto", "")]
    [InlineData("vllm", "int4", "auto", "spec.weight_format")]
    [InlineData("vllm", null, "q8", "spec.kv_format")]
    [InlineData("sglang", "nvfp4", "auto", "spec.weight_format")]
    [InlineData("trtllm-serve", null, "fp8", "spec.kv_format")]
    [InlineData("llama-server", null, "auto", "spec.runtime")]
    [InlineData("mine", "fp8", "auto", "")]
    public void A_format_that_the_engine_cannot_load_is_a_field_fault(
        string runtime,
        string? weights,
        string kv,
        string field
    )
    {
        var faults = Catalogue.Faults(
            new LaunchSpec
            {
                Runtime = runtime,
                WeightFormat = weights,
                KvFormat = kv,
            },
            Facts,
            "Qwen/Qwen2.5-7B"
        );

        Assert.Equal(field, string.Join(", ", faults.Select(fault => fault.Field)));
    }

    [Fact]
    public void A_preset_of_an_operator_is_asked_for_no_format_that_it_has_no_place_for()
    {
        var mine = new RuntimePreset
        {
            Name = "mine",
            Program = "x",
            Arguments = ["{model}"],
        };
        var catalogue = new RuntimeCatalogue([mine], [], new RuntimeOptions());

        Assert.Empty(catalogue.Faults(new LaunchSpec { Runtime = "mine" }, Facts, "a/b"));
        Assert.Equal(
            ["spec.weight_format"],
            catalogue
                .Faults(new LaunchSpec { Runtime = "mine", WeightFormat = "fp8" }, Facts, "a/b")
                .Select(fault => fault.Field)
        );
        Assert.Equal(
            ["spec.sequences_at_once"],
            catalogue
                .Faults(new LaunchSpec { Runtime = "mine", SequencesAtOnce = 4 }, Facts, "a/b")
                .Select(fault => fault.Field)
        );
    }

    [Theory]
    [InlineData(null, "1", "spec.runtime_arguments[0]")]
    [InlineData(1, "2", "spec.runtime_arguments[0]")]
    [InlineData(2, "2", "")]
    public void An_argument_does_not_decide_the_number_of_GPUs(int? gpus, string argument, string field)
    {
        var spec = new LaunchSpec
        {
            RuntimeArguments = ["--tensor-parallel-size", argument],
            Constraints = new SmartConstraints { GpuCount = gpus },
        };

        Assert.Equal(field, string.Join(", ", Catalogue.Faults(spec, Facts, "a/b").Select(fault => fault.Field)));
    }

    [Fact]
    public void Fewer_sequences_at_once_than_guaranteed_are_refused() =>
        Assert.Equal(
            ["spec.sequences_at_once"],
            Catalogue
                .Faults(new LaunchSpec { ParallelSequences = 4, SequencesAtOnce = 2 }, Facts, "a/b")
                .Select(fault => fault.Field)
        );

    [Fact]
    public void Options_of_a_provider_are_permitted_and_faults_name_the_argument()
    {
        var spec = new LaunchSpec { RuntimeArguments = ["--simulated-yes=x", "--host", "0.0.0.0"] };

        Assert.Equal(["spec.runtime_arguments[1]"], Catalogue.Faults(spec, Facts, "a/b").Select(fault => fault.Field));
        Assert.Equal(["--simulated-yes=x"], Catalogue.ArgumentsOf(spec, Facts).Rest);
    }

    [Theory]
    [InlineData("a/b", "")]
    [InlineData("a/b@main", "")]
    [InlineData("a/b:Q4_K_M", "")]
    [InlineData("gpt2", "")]
    [InlineData("/models/a", "")]
    [InlineData("/models/a/b.gguf", "")]
    [InlineData("/models", "spec.model")]
    [InlineData("/modelsx/a", "spec.model")]
    [InlineData("/models/../etc/passwd", "spec.model")]
    [InlineData("/models//a", "spec.model")]
    [InlineData("/etc/passwd", "spec.model")]
    [InlineData("../x", "spec.model")]
    [InlineData("data/x.gguf", "spec.model")]
    [InlineData("~/x", "spec.model")]
    [InlineData("a/b/c", "spec.model")]
    [InlineData("a/..", "spec.model")]
    [InlineData("-a/b", "spec.model")]
    [InlineData("http://evil/x", "spec.model")]
    [InlineData("s3://evil/x", "spec.model")]
    [InlineData("a/b@../x", "spec.model")]
    public void Models_come_from_the_hub_or_from_directories_of_the_operator(string source, string field)
    {
        var catalogue = new RuntimeCatalogue([], [], new RuntimeOptions { ModelDirectories = ["/models"] });

        var faults = catalogue.Faults(new LaunchSpec(), Facts, source);

        Assert.Equal(field, string.Join(", ", faults.Select(fault => fault.Field)));
    }
}
