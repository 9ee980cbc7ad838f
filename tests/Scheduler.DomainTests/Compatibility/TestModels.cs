using System.Text;
using System.Text.Json;
using Scheduler.ModelFit;

namespace Scheduler.DomainTests.Compatibility;

/// <summary>Models of the fixture table that have no shipped config, built from their published dimensions.</summary>
internal static class TestModels
{
    public static ModelFacts Llama32Of3B { get; } = Llama("Llama-3.2-3B", 3072, 28, 24, 8, 8192, 128_256, isTied: true);

    public static ModelFacts Llama2Of13B { get; } = Llama("Llama-2-13B", 5120, 40, 40, 40, 13_824, 32_000);

    public static ModelFacts Llama2Of70B { get; } = Llama("Llama-2-70B", 8192, 80, 64, 8, 28_672, 32_000);

    public static ModelFacts Qwen25Of14B { get; } =
        Llama("Qwen2.5-14B", 5120, 48, 40, 8, 13_824, 152_064, modelType: "qwen2");

    public static ModelFacts Qwen25Of32B { get; } =
        Llama("Qwen2.5-32B", 5120, 64, 40, 8, 27_648, 152_064, modelType: "qwen2");

    public static ModelFacts Qwen3Of235B { get; } =
        Read(
            "Qwen3-235B-A22B",
            new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["model_type"] = "qwen3_moe",
                ["hidden_size"] = 4096,
                ["num_hidden_layers"] = 94,
                ["num_attention_heads"] = 64,
                ["num_key_value_heads"] = 4,
                ["head_dim"] = 128,
                ["intermediate_size"] = 12_288,
                ["moe_intermediate_size"] = 1536,
                ["num_experts"] = 128,
                ["num_experts_per_tok"] = 8,
                ["decoder_sparse_step"] = 1,
                ["vocab_size"] = 151_936,
                ["max_position_embeddings"] = 40_960,
                ["tie_word_embeddings"] = false,
            }
        );

    /// <summary>
    /// Llama-3.1-405B-FP8 as published in July 2024, the day of the log: 16 KV heads (later halved by removing the
    /// copies), attention and the first and last layer left at 16 bits.
    /// </summary>
    public static ModelFacts Llama31Of405BFp8 { get; } =
        Read(
            "meta-llama/Meta-Llama-3.1-405B-Instruct-FP8",
            new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["model_type"] = "llama",
                ["hidden_size"] = 16_384,
                ["num_hidden_layers"] = 126,
                ["num_attention_heads"] = 128,
                ["num_key_value_heads"] = 16,
                ["intermediate_size"] = 53_248,
                ["vocab_size"] = 128_256,
                ["max_position_embeddings"] = 131_072,
                ["tie_word_embeddings"] = false,
                ["quantization_config"] = new Dictionary<string, object?>(StringComparer.Ordinal)
                {
                    ["quant_method"] = "fbgemm_fp8",
                    ["modules_to_not_convert"] = Enumerable
                        .Range(0, 126)
                        .Select(layer => $"model.layers.{layer}.self_attn")
                        .Concat(["model.layers.0.mlp", "model.layers.125.mlp", "lm_head"])
                        .ToArray(),
                },
            }
        );

    public static ModelFacts BertBaseCased { get; } =
        Read(
            "bert-base-cased",
            new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["model_type"] = "bert",
                ["hidden_size"] = 768,
                ["num_hidden_layers"] = 12,
                ["num_attention_heads"] = 12,
                ["intermediate_size"] = 3072,
                ["vocab_size"] = 28_996,
                ["max_position_embeddings"] = 512,
                ["type_vocab_size"] = 2,
            }
        );

    public static ModelFacts Shipped(string name) =>
        ModelCatalogue.Find(name) ?? throw new InvalidOperationException($"{name} is not shipped.");

    public static ModelFacts Read(string name, IReadOnlyDictionary<string, object?> config)
    {
        var reading = HfConfig.Parse(name, JsonSerializer.SerializeToUtf8Bytes(config));
        return reading.Facts ?? throw new InvalidOperationException(reading.Refusal?.Message);
    }

    public static ModelReading ReadText(string json) => HfConfig.Parse("test", Encoding.UTF8.GetBytes(json));

    private static ModelFacts Llama(
        string name,
        int hidden,
        int layers,
        int heads,
        int kvHeads,
        int intermediate,
        int vocabulary,
        bool isTied = false,
        string modelType = "llama"
    ) =>
        Read(
            name,
            new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["model_type"] = modelType,
                ["hidden_size"] = hidden,
                ["num_hidden_layers"] = layers,
                ["num_attention_heads"] = heads,
                ["num_key_value_heads"] = kvHeads,
                ["intermediate_size"] = intermediate,
                ["vocab_size"] = vocabulary,
                ["max_position_embeddings"] = 131_072,
                ["tie_word_embeddings"] = isTied,
            }
        );
}
