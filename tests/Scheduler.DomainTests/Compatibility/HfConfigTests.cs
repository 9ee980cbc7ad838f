using System.Text;
using FsCheck.Xunit;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Compatibility;

public sealed class HfConfigTests
{
    private const string Llama =
        """{"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"intermediate_size":128,"vocab_size":100,"max_position_embeddings":512,"tie_word_embeddings":false}""";

    private static readonly byte[] Real = EmbeddedData.Model("deepseek-ai--DeepSeek-V3.2.config.json");

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("num_attention_heads")]
    [InlineData("intermediate_size")]
    [InlineData("vocab_size")]
    public void A_missing_field_is_named_unless_its_class_has_a_default(string field)
    {
        var without = Llama.Replace($"\"{field}\"", "\"other\"", StringComparison.Ordinal);
        var refusal = TestModels.ReadText(without.Replace("llama", "granite", StringComparison.Ordinal)).Refusal;

        Assert.Equal((ModelRefusalKind.MissingField, field), (refusal?.Kind, refusal?.Field));
        Assert.True(TestModels.ReadText(without).IsRead);
    }

    [Fact]
    public void An_unknown_type_without_its_sizes_is_read_without_figures()
    {
        var facts = TestModels.ReadText("""{"model_type":"zebra","stripes":40}""").Facts;

        Assert.NotNull(facts);
        Assert.Equal(0, facts.Parameters);
        Assert.Contains("zebra", Assert.Single(facts.Doubts), StringComparison.Ordinal);
        Assert.Equal(FitOutcome.Uncertain, Judge(facts));
    }

    [Theory]
    [InlineData("\"moe_latent_width_size\":512", "moe_latent_width_size")]
    [InlineData("\"sparse_experts\":16", "sparse_experts")]
    [InlineData("\"smell_config\":{\"hidden_size\":64,\"num_hidden_layers\":2}", "smell_config")]
    [InlineData(
        "\"vision_config\":{\"model_type\":\"eye\",\"hidden_size\":64,\"num_hidden_layers\":2}",
        "vision_config"
    )]
    [InlineData("\"layer_types\":[\"odd\",\"full_attention\"]", "layer_types")]
    public void A_size_that_nothing_reads_makes_the_verdict_uncertain(string field, string named)
    {
        var facts = TestModels
            .ReadText(Llama.Replace("\"vocab_size\"", field + ",\"vocab_size\"", StringComparison.Ordinal))
            .Facts;

        Assert.NotNull(facts);
        Assert.Contains(facts.Doubts, doubt => doubt.Contains(named, StringComparison.Ordinal));
        Assert.True(facts.WeightsLowPerMille < 1000 && facts.WeightsHighPerMille > 1000);
        Assert.Equal(FitOutcome.Uncertain, Judge(facts));
    }

    [Fact]
    public void A_known_config_has_no_doubts_and_the_same_bounds()
    {
        var facts = TestModels.ReadText(Llama).Facts!;

        Assert.Empty(facts.Doubts);
        Assert.Equal((1000, 1000), (facts.WeightsLowPerMille, facts.WeightsHighPerMille));
        Assert.Equal(FitOutcome.Fits, Judge(facts));
    }

    [Fact]
    public void An_adapter_is_named_as_such()
    {
        var refusal = TestModels.ReadText("""{"peft_type":"LORA","base_model_name_or_path":"x","r":16}""").Refusal;

        Assert.Equal("peft_type", refusal?.Field);
        Assert.Contains("LoRA adapter", refusal?.Message, StringComparison.Ordinal);
    }

    private static FitOutcome Judge(ModelFacts facts) =>
        GpuFit
            .Judge(
                facts,
                new LaunchPlan(null, KvFormat.Bf16, 256, 1, "vllm"),
                GpuCatalogue.Shipped.Find("H100-80GB-SXM")!,
                1
            )
            .Outcome;

    [Theory]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":\"64\"", "hidden_size")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":-1", "hidden_size")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":0", "hidden_size")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":1e300", "hidden_size")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":Infinity", "hidden_size")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":66", "num_attention_heads")]
    [InlineData("\"num_hidden_layers\":2", "\"num_hidden_layers\":100000", "num_hidden_layers")]
    [InlineData("\"num_key_value_heads\":2", "\"num_key_value_heads\":3", "num_key_value_heads")]
    [InlineData("\"vocab_size\":100", "\"vocab_size\":1.5", "vocab_size")]
    [InlineData("\"vocab_size\":100", "\"vocab_size\":100,\"sliding_window\":-4", "sliding_window")]
    [InlineData(
        "\"vocab_size\":100",
        "\"vocab_size\":100,\"quantization_config\":{\"quant_method\":\"magic\"}",
        "quantization_config.quant_method"
    )]
    [InlineData("\"vocab_size\":100", "\"vocab_size\":100,\"is_encoder_decoder\":true", "is_encoder_decoder")]
    public void An_invalid_field_is_named(string from, string to, string field)
    {
        var reading = TestModels.ReadText(Llama.Replace(from, to, StringComparison.Ordinal));

        Assert.Equal(field, reading.Refusal?.Field);
        Assert.NotEmpty(reading.Refusal?.Message ?? "");
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"model_type\":\"\\ud800\",\"hidden_size\":1}")]
    public void Text_that_is_not_a_config_is_refused(string text) => Assert.False(TestModels.ReadText(text).IsRead);

    [Fact]
    public void A_file_over_the_size_limit_is_refused_without_parsing() =>
        Assert.Equal(ModelRefusalKind.TooLarge, HfConfig.Parse("x", new byte[HfConfig.MaxBytes + 1]).Refusal?.Kind);

    [Fact]
    public void JSON_over_the_depth_limit_is_refused() =>
        Assert.Equal(
            ModelRefusalKind.Malformed,
            TestModels.ReadText($"{{\"a\":{new string('[', 100)}{new string(']', 100)}}}").Refusal?.Kind
        );

    [Fact]
    public void Dimensions_with_too_large_a_product_are_refused()
    {
        const string huge =
            """{"model_type":"x","hidden_size":1048576,"num_hidden_layers":1024,"num_attention_heads":4096,"intermediate_size":16777216,"vocab_size":16777216,"num_experts":65536}""";

        Assert.Contains("2^50", TestModels.ReadText(huge).Refusal?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Bare_Infinity_is_accepted_and_text_in_strings_is_kept()
    {
        var reading = TestModels.ReadText(
            Llama.Replace(
                "{\"model_type\"",
                "{\"note\":\"a \\\" Infinity NaN\",\"limit\":[-Infinity,NaN],\"model_type\"",
                StringComparison.Ordinal
            )
        );

        Assert.True(reading.IsRead, reading.Refusal?.Message);
    }

    [Fact]
    public void Gpt_2_names_give_the_published_124_million()
    {
        var reading = TestModels.ReadText(
            """{"model_type":"gpt2","n_embd":768,"n_layer":12,"n_head":12,"n_positions":1024,"n_ctx":1024,"vocab_size":50257,"activation_function":"gelu_new"}"""
        );

        Assert.Equal(124_439_808, reading.Facts?.Parameters);
        Assert.Equal(1024, reading.Facts?.MaxContextTokens);
    }

    [Fact]
    public void An_unknown_model_type_gets_generic_transformer_arithmetic()
    {
        var known = TestModels.ReadText(Llama).Facts;
        var unknown = TestModels
            .ReadText(
                """{"model_type":"zebra","d_model":64,"n_layers":2,"n_heads":4,"num_kv_heads":2,"ffn_dim":128,"vocab_size":100,"max_seq_len":512}"""
            )
            .Facts;

        Assert.NotNull(unknown);
        Assert.Equal(known?.Parameters, unknown.Parameters);
        Assert.Equal(known?.Caches, unknown.Caches);
        Assert.NotEmpty(unknown.Doubts);
    }

    [Fact]
    public void Experts_may_be_listed_per_layer()
    {
        var reading = TestModels.ReadText(
            Llama.Replace(
                "\"vocab_size\"",
                "\"n_routed_experts\":4,\"moe_intermediate_size\":32,\"moe_layer_freq\":[0,1],\"vocab_size\"",
                StringComparison.Ordinal
            )
        );

        Assert.Equal(3 * 64 * 128, reading.Facts?.ParametersOf(WeightRole.DenseMlp));
        Assert.Equal(4 * 3 * 64 * 32, reading.Facts?.ParametersOf(WeightRole.RoutedExpert));
    }

    [Property(MaxTest = 1000)]
    public void Random_bytes_never_throw(byte[] bytes) => Assert.NotNull(HfConfig.Parse("fuzz", bytes));

    [Property(MaxTest = 3000)]
    public void A_mutated_config_never_throws_and_parsed_facts_can_be_judged(
        int first,
        byte value,
        int second,
        byte other
    )
    {
        var bytes = (byte[])Real.Clone();
        bytes[(first & int.MaxValue) % bytes.Length] = value;
        bytes[(second & int.MaxValue) % bytes.Length] = (byte)('0' + (other % 10));
        var reading = HfConfig.Parse("fuzz", bytes);

        if (reading.Facts is { } facts)
        {
            GpuIncompatibleFacts.Of(
                facts,
                new LaunchPlan(null, KvFormat.Bf16, 1, 1, "vllm"),
                null,
                null,
                GpuCatalogue.Shipped
            );
        }
        else
        {
            Assert.NotEmpty(reading.Refusal?.Message ?? "");
        }
    }

    [Fact]
    public void Absurd_numbers_in_shipped_configs_never_throw()
    {
        var seen = 0;
        foreach (var file in EmbeddedData.ModelFiles.Where(file => file.EndsWith(".json", StringComparison.Ordinal)))
        {
            var text = Encoding.UTF8.GetString(EmbeddedData.Model(file));
            foreach (
                var absurd in (ReadOnlySpan<string>)
                    ["0", "-7", "1", "99999999999999999999", "1048576", "null", "[]", "\"x\""]
            )
            {
                foreach (
                    System.Text.RegularExpressions.Match match in System.Text.RegularExpressions.Regex.Matches(
                        text,
                        "(?<=\": )\\d+(?=[,\\s])",
                        System.Text.RegularExpressions.RegexOptions.None,
                        TimeSpan.FromSeconds(5)
                    )
                )
                {
                    if (MutationRun.IsOn && seen++ % 10 != 0)
                    {
                        continue;
                    }

                    var changed = string.Concat(
                        text.AsSpan(0, match.Index),
                        absurd,
                        text.AsSpan(match.Index + match.Length)
                    );
                    Assert.NotNull(HfConfig.Parse(file, Encoding.UTF8.GetBytes(changed)));
                }
            }
        }
    }
}
