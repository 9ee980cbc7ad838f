using Scheduler.Domain.Runtimes;
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
        ExtraArguments = ["--extra", "two words"],
    };

    [Fact]
    public void Vllm_gets_the_context_of_one_sequence() =>
        Assert.Equal(
            [
                "serve",
                "org/model",
                "--served-model-name",
                "my name; $(rm -rf /)",
                "--max-model-len",
                "8192",
                "--max-num-seqs",
                "4",
                "--tensor-parallel-size",
                "2",
                "--host",
                "127.0.0.1",
                "--port",
                "8000",
                "--extra",
                "two words",
            ],
            RuntimePresets.Vllm.Render(Spec, "127.0.0.1", 8000)
        );

    [Theory]
    [InlineData("org/model", "--hf-repo")]
    [InlineData("/models/a.gguf", "--model")]
    [InlineData("a.gguf", "--model")]
    public void Llama_server_gets_the_context_of_all_sequences_and_a_path_or_an_id(string model, string option)
    {
        var arguments = RuntimePresets.LlamaServer.Render(Spec with { Model = model }, "127.0.0.1", 8000);

        Assert.Equal([option, model], arguments[..2]);
        Assert.Equal("32768", arguments[arguments.IndexOf("--ctx-size") + 1]);
    }

    [Fact]
    public void A_placeholder_inside_a_value_is_not_expanded()
    {
        var preset = new RuntimePreset
        {
            Name = "x",
            Program = "x",
            Arguments = ["--name={serving_name}:{port}"],
        };

        Assert.Equal(
            "--name={port}{model}:8000",
            preset.Render(Spec with { ServingName = "{port}{model}" }, "h", 8000)[0]
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
            RuntimePresets.LlamaServer.Render(Spec with { ContextTokens = long.MaxValue }, "127.0.0.1", 8000)
        );

    [Fact]
    public void All_errors_of_a_preset_are_reported()
    {
        var preset = new RuntimePreset
        {
            Name = "x",
            Program = "",
            Arguments = ["{modle}", "{port}"],
            HealthPath = "health",
        };

        Assert.Equal(3, preset.Faults().Count());
        Assert.All(RuntimePresets.BuiltIn.Values, known => Assert.Empty(known.Faults()));
    }
}
