using System.Text;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class WeightFilesTests
{
    private const string Config =
        """{"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":128,"vocab_size":100,"tie_word_embeddings":false}""";

    [Theory]
    [InlineData("llama")]
    [InlineData("zebra")]
    public void The_total_of_the_index_replaces_the_computed_size(string type)
    {
        var facts = Facts(type);

        var exact = WeightFiles.ApplyIndex(facts, Index(1_000_000)).Facts;

        Assert.NotNull(exact);
        Assert.InRange(exact.WeightBytes, 999_900, 1_000_000);
        Assert.Equal((1000, 1000), (exact.WeightsLowPerMille, exact.WeightsHighPerMille));
        Assert.Equal(facts.Caches, exact.Caches);
    }

    [Fact]
    public void An_index_gives_the_size_of_a_model_whose_config_gives_none()
    {
        var facts = TestModels.ReadText("""{"model_type":"zebra"}""").Facts!;

        Assert.Equal(5_000, WeightFiles.ApplyIndex(facts, Index(5_000)).Facts?.WeightBytes);
    }

    [Fact]
    public void A_total_of_twice_the_computed_size_means_32_bits_which_engines_halve()
    {
        var facts = Facts("llama");

        var exact = WeightFiles.ApplyIndex(facts, Index(2 * facts.WeightBytes)).Facts!;

        Assert.Equal(facts.WeightBytes, exact.WeightBytes);
    }

    [Fact]
    public void Headers_give_exact_bytes_by_role()
    {
        byte[][] files =
        [
            File(
                """{"__metadata__":{"format":"pt"},"model.embed_tokens.weight":{"dtype":"BF16","shape":[100,64],"data_offsets":[0,12800]}}"""
            ),
            File(
                """{"model.layers.0.mlp.up_proj.weight":{"dtype":"F8_E4M3","shape":[128,64],"data_offsets":[0,8192]},"model.layers.0.mlp.up_proj.weight_scale_inv":{"dtype":"F32","shape":[1,1],"data_offsets":[8192,8196]},"model.layers.2.mlp.up_proj.weight":{"dtype":"BF16","shape":[2,2],"data_offsets":[8196,8204]}}"""
            ),
        ];

        var exact = WeightFiles.ApplyHeaders(Facts("llama"), files).Facts!;

        Assert.Equal((100 * 64) + (128 * 64), exact.Parameters);
        Assert.Equal(12_800 + 8_192 + 4, exact.WeightBytes);
        Assert.Equal(100 * 64, exact.ParametersOf(WeightRole.Embedding));
        Assert.Equal(4, exact.ParametersOf(WeightRole.NextTokenPrediction));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"metadata\":{}}")]
    [InlineData("{\"metadata\":{\"total_size\":-1}}")]
    public void A_bad_index_is_refused(string json) =>
        Assert.False(WeightFiles.ApplyIndex(Facts("llama"), Encoding.UTF8.GetBytes(json)).IsRead);

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("{\"a\":{\"dtype\":\"BF16\",\"shape\":[-1],\"data_offsets\":[0,2]}}")]
    [InlineData("{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[2,0]}}")]
    [InlineData("{\"a\":{\"dtype\":\"BF16\",\"shape\":[1000000000,1000000000],\"data_offsets\":[0,2]}}")]
    public void A_bad_header_is_refused(string json) =>
        Assert.False(WeightFiles.ApplyHeaders(Facts("llama"), [File(json)]).IsRead);

    [Fact]
    public void A_truncated_header_says_how_many_bytes_it_needs()
    {
        var whole = File("""{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}""");

        var refusal = WeightFiles.ApplyHeaders(Facts("llama"), [whole[..20]]).Refusal;

        Assert.Equal((ModelRefusalKind.NeedMoreBytes, whole.Length), (refusal?.Kind, refusal?.BytesNeeded));
    }

    private static ModelFacts Facts(string type) =>
        TestModels.ReadText(Config.Replace("llama", type, StringComparison.Ordinal)).Facts!;

    private static byte[] Index(long total) =>
        Encoding.UTF8.GetBytes($"{{\"metadata\":{{\"total_size\":{total}}},\"weight_map\":{{}}}}");

    private static byte[] File(string json) =>
        [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(json)), .. Encoding.UTF8.GetBytes(json)];
}
