using Scheduler.Domain.Models;
using Scheduler.Providers.Hub;
using Xunit;

namespace Scheduler.ProviderTests.Hub;

public sealed class HubFileChoiceTests
{
    [Theory]
    [InlineData("config.json model.safetensors README.md", "", "model.safetensors")]
    [InlineData("config.json model.safetensors.index.json model-1.safetensors", "model.safetensors.index.json", "")]
    [InlineData("config.json params.json consolidated.safetensors model.safetensors", "", "model.safetensors")]
    [InlineData("params.json consolidated.safetensors", "", "consolidated.safetensors")]
    [InlineData("config.json pytorch_model.bin", "", "")]
    [InlineData("config.json model.safetensors other/model.safetensors m.Q4_K_M.gguf", "", "model.safetensors")]
    public void A_config_comes_with_the_files_that_state_the_size(string files, string index, string weights)
    {
        var (choice, refusal) = HubFileChoice.Of([.. files.Split(' ')], null);

        Assert.Null(refusal);
        Assert.False(choice!.IsGguf);
        Assert.Equal(index, choice.Index ?? "");
        Assert.Equal(weights, string.Join(' ', choice.Weights));
    }

    [Theory]
    [InlineData("a.Q4_K_M.gguf mmproj-a.gguf", null, "a.Q4_K_M.gguf", "Q4_K_M")]
    [InlineData("config.json a-q4_k_m.gguf", null, "a-q4_k_m.gguf", "q4_k_m")]
    [InlineData("a-Q4_0.gguf a-Q8_0.gguf", "q8_0", "a-Q8_0.gguf", "Q8_0")]
    [InlineData("a-Q4_0.gguf a-Q8_0.gguf", "a-Q4_0.gguf", "a-Q4_0.gguf", "Q4_0")]
    [InlineData("UD/a-UD-IQ2_XXS.gguf", null, "UD/a-UD-IQ2_XXS.gguf", "UD-IQ2_XXS")]
    [InlineData(
        "b-Q8_0-00002-of-00002.gguf b-Q8_0-00001-of-00002.gguf",
        null,
        "b-Q8_0-00001-of-00002.gguf b-Q8_0-00002-of-00002.gguf",
        "Q8_0"
    )]
    [InlineData("plain.gguf", null, "plain.gguf", null)]
    public void A_gguf_model_is_all_of_its_parts(string files, string? wanted, string weights, string? tag)
    {
        var (choice, refusal) = HubFileChoice.Of([.. files.Split(' ')], wanted);

        Assert.Null(refusal);
        Assert.True(choice!.IsGguf);
        Assert.Equal(weights, string.Join(' ', choice.Weights));
        Assert.Equal(tag, choice.GgufTag);
    }

    [Theory]
    [InlineData("a-Q4_0.gguf a-Q8_0.gguf", null, HubCause.Ambiguous, "Q4_0 Q8_0")]
    [InlineData("a-Q4_0.gguf b-Q4_0.gguf", "Q4_0", HubCause.Ambiguous, "a-Q4_0.gguf b-Q4_0.gguf")]
    [InlineData("a-Q4_0.gguf", "Q8_0", HubCause.FileMissing, "")]
    [InlineData("a-Q4_0-00001-of-00003.gguf a-Q4_0-00003-of-00003.gguf", null, HubCause.FileMissing, "")]
    [InlineData("config.json model.safetensors", "x.gguf", HubCause.FileMissing, "")]
    [InlineData("adapter_config.json adapter_model.safetensors", null, HubCause.Unsupported, "")]
    [InlineData("model_index.json unet/config.json", null, HubCause.Unsupported, "")]
    [InlineData("README.md", null, HubCause.Unsupported, "")]
    public void A_repository_without_one_model_is_refused(string files, string? wanted, HubCause cause, string choices)
    {
        var (choice, refusal) = HubFileChoice.Of([.. files.Split(' ')], wanted);

        Assert.Null(choice);
        Assert.Equal(cause, refusal!.Cause);
        Assert.Equal(choices, string.Join(' ', refusal.Choices));
        Assert.EndsWith(".", refusal.Words);
    }
}
