using System.Collections.Immutable;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes;

public sealed class RuntimePresetTests
{
    private static readonly RuntimeSpec Spec = new()
    {
        Model = "org/model",
        ServingName = "my name; $(rm -rf /)",
        ContextTokens = 8192,
        ParallelSequences = 4,
        TensorParallel = 2,
        ExtraArguments = ["--seed", "two words"],
        Plan = new LaunchPlan(WeightFormat.Fp8, KvFormat.Fp8, 8192, 4, "vllm") { TensorParallel = 2 },
    };

    [Fact]
    public void Vllm_gets_the_whole_plan_and_the_scheduler_s_options_last() =>
        Assert.Equal(
            [
                "serve",
                "org/model",
                "--seed",
                "two words",
                "--served-model-name",
                "my name; $(rm -rf /)",
                "--max-model-len",
                "8192",
                "--tensor-parallel-size",
                "2",
                "--quantization",
                "fp8",
                "--kv-cache-dtype",
                "fp8",
                "--host",
                "127.0.0.1",
                "--port",
                "8000",
            ],
            RuntimePresets.Vllm.Render(Spec, "127.0.0.1", 8000)
        );

    [Fact]
    public void A_spec_of_an_older_silo_starts_without_a_plan() =>
        Assert.Equal(
            ["--max-model-len", "8192", "--tensor-parallel-size", "2", "--host"],
            RuntimePresets.Vllm.Render(Spec with { Plan = null, ExtraArguments = [] }, "127.0.0.1", 8000)[4..9]
        );

    [Theory]
    [InlineData("org/model", "--hf-repo")]
    [InlineData("/models/a.gguf", "--model")]
    public void Llama_server_gets_the_context_of_all_sequences_and_a_path_or_an_id(string model, string option)
    {
        var plan = new LaunchPlan(null, KvFormat.Q8, 8192, 4, "llama-server");
        var arguments = RuntimePresets.LlamaServer.Render(
            Spec with
            {
                Model = model,
                Plan = plan,
                ExtraArguments = ["--n-gpu-layers", "7"],
            },
            "127.0.0.1",
            8000
        );

        Assert.Equal(["--n-gpu-layers", "999", "--n-gpu-layers", "7", option, model], arguments[..6]);
        Assert.Equal("32768", arguments[arguments.IndexOf("--ctx-size") + 1]);
        Assert.Equal("4", arguments[arguments.IndexOf("--parallel") + 1]);
        Assert.Equal("q8_0", arguments[arguments.IndexOf("--cache-type-v") + 1]);
        Assert.DoesNotContain("--kv-unified", arguments);
        Assert.Contains("--kv-unified", LlamaWith(plan with { SequencesAtOnce = 5 }));
    }

    [Theory]
    [InlineData("vllm", "--revision")]
    [InlineData("sglang", "--revision")]
    [InlineData("tgi", "--revision")]
    [InlineData("trtllm-serve", "--revision")]
    [InlineData("tei", "--revision")]
    public void A_revision_of_a_model_reaches_the_engine(string engine, string option)
    {
        var spec = Spec with { Model = "org/model@v1.5", Plan = null, TensorParallel = 1, ExtraArguments = [] };

        var arguments = RuntimePresets.BuiltIn[engine].Render(spec, "127.0.0.1", 8000);

        Assert.Contains("org/model", arguments);
        Assert.Equal("v1.5", arguments[arguments.IndexOf(option) + 1]);
    }

    [Theory]
    [InlineData("llama-server")]
    [InlineData("ollama")]
    public void An_engine_without_revisions_refuses_one(string engine) =>
        Assert.Throws<ArgumentException>(() =>
            RuntimePresets
                .BuiltIn[engine]
                .Render(Spec with { Model = "org/model@v1.5", Plan = null, ExtraArguments = [] }, "127.0.0.1", 8000)
        );

    [Fact]
    public void Ollama_gets_its_plan_as_variables_and_answers_health_under_the_serving_name()
    {
        var spec = Spec with
        {
            ServingName = "chat",
            ExtraArguments = [],
            Plan = new LaunchPlan(null, KvFormat.Q4, 8192, 4, "ollama"),
        };
        var preset = RuntimePresets.BuiltIn["ollama"];
        var arguments = preset.Render(spec, "127.0.0.1", 8000);

        Assert.Equal(
            [
                "OLLAMA_HOST=127.0.0.1:8000",
                "OLLAMA_CONTEXT_LENGTH=8192",
                "OLLAMA_NUM_PARALLEL=4",
                "OLLAMA_KV_CACHE_TYPE=q4_0",
                "OLLAMA_FLASH_ATTENTION=1",
                "sh",
                "-c",
            ],
            arguments[..7]
        );
        Assert.Equal(["ollama", "hf.co/org/model", "chat"], arguments[8..]);
        Assert.Equal("/v1/models/chat", preset.HealthPathOf(spec));
    }

    [Fact]
    public void A_placeholder_inside_a_value_is_not_expanded()
    {
        var preset = new RuntimePreset
        {
            Name = "x",
            Program = "x",
            Arguments = ["--name={serving_name}:{port}", "{arguments}"],
        };

        Assert.Equal(
            "--name={port}{model}:8000",
            preset.Render(Plain with { ServingName = "{port}{model}" }, "h", 8000)[0]
        );
    }

    [Fact]
    public void A_preset_of_an_operator_has_arguments_and_formats_only_where_it_has_a_place_for_them()
    {
        var preset = new RuntimePreset
        {
            Name = "x",
            Program = "x",
            Arguments = ["--model", "{model}", "--port", "{port}"],
        };

        Assert.Equal(["--model", "org/model", "--port", "1"], preset.Render(Plain, "h", 1));
        Assert.Throws<ArgumentException>(() => preset.Render(Plain with { ExtraArguments = ["--x"] }, "h", 1));
        Assert.Throws<ArgumentException>(() =>
            preset.Render(Plain with { Plan = new LaunchPlan(WeightFormat.Fp8, KvFormat.Bf16, 1, 1, "x") }, "h", 1)
        );
        Assert.Throws<ArgumentException>(() =>
            preset.Render(
                Plain with
                {
                    Plan = new LaunchPlan(null, KvFormat.Bf16, 1, 1, "x") { SequencesAtOnce = 2 },
                },
                "h",
                1
            )
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("-o")]
    [InlineData("--trust-remote-code")]
    [InlineData("a\nb")]
    public void A_model_name_that_looks_like_an_option_is_refused(string model) =>
        Assert.Throws<ArgumentException>(() =>
            RuntimePresets.Vllm.Render(Spec with { Model = model }, "127.0.0.1", 8000)
        );

    [Fact]
    public void An_overflowing_context_is_refused() =>
        Assert.Throws<OverflowException>(() =>
            RuntimePresets.LlamaServer.Render(
                Plain with
                {
                    ContextTokens = long.MaxValue,
                    ParallelSequences = 4,
                },
                "h",
                8000
            )
        );

    [Fact]
    public void All_errors_of_a_preset_are_reported()
    {
        var preset = new RuntimePreset
        {
            Name = "x",
            Program = "",
            Arguments = ["{modle}", "{port}", "{plan}"],
            HealthPath = "health",
        };

        Assert.Equal(4, preset.Faults().Count());
        Assert.All(RuntimePresets.BuiltIn.Values, known => Assert.Empty(known.Faults()));
        Assert.Empty(
            (
                preset with
                {
                    Program = "x",
                    Arguments = ["{plan}"],
                    HealthPath = "/",
                    Engine = KnownEngines.All[0],
                }
            ).Faults()
        );
    }

    private static RuntimeSpec Plain => new() { Model = "org/model", ServingName = "a" };

    private static ImmutableArray<string> LlamaWith(LaunchPlan plan) =>
        RuntimePresets.LlamaServer.Render(Plain with { Plan = plan }, "127.0.0.1", 8000);
}
