using System.Globalization;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Reads an untrusted Hugging Face <c>config.json</c> into <see cref="ModelFacts"/>. Size and depth are limited, every
/// dimension is range-checked before any multiplication, and a refusal names the field.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>
/// Bytes become JSON. Python writes <c>Infinity</c> and <c>NaN</c> without quotes; no field read here can hold one, so
/// they become 0.
/// </item>
/// <item><c>model_type</c> decides the family; dimensions are read under any of their usual names.</item>
/// <item>Weights published in 32 bits count as 16 bits: engines load them so by default.</item>
/// <item>Each layer is planned (<see cref="LayerPlan"/>), then weights and caches are added by kind.</item>
/// </list>
/// </remarks>
public static class HfConfig
{
    /// <summary>Largest accepted file; lists of quantized modules of published files reach 2 MB.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>
    /// Bounds of the weights of a config with doubts, thousandths: half and twice. Blocks of two or three matrices, tied
    /// or separate heads, and towers of usual size lie within.
    /// </summary>
    private const int DoubtLowPerMille = 500;

    private const int DoubtHighPerMille = 2000;

    private const int MaxDepth = 32;

    private static readonly string[] TextNames = ["thinker_config", "text_config", "llm_config", "language_config"];

    /// <param name="name">
    /// Name of the model; a name that contains "embedding" means that no output head is stored.
    /// </param>
    /// <param name="quantizationSidecar">
    /// Content of <c>hf_quant_config.json</c>; empty when the repository has none.
    /// </param>
    public static ModelReading Parse(
        string name,
        ReadOnlySpan<byte> config,
        ReadOnlySpan<byte> quantizationSidecar = default
    )
    {
        if (config.Length > MaxBytes || quantizationSidecar.Length > MaxBytes)
        {
            return Refused(
                ModelRefusalKind.TooLarge,
                "config.json",
                string.Create(CultureInfo.InvariantCulture, $"At most {MaxBytes} bytes are read.")
            );
        }

        try
        {
            using var document = Read(config);
            using var sidecar = quantizationSidecar.IsEmpty ? null : Read(quantizationSidecar);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Parse(name, document.RootElement, sidecar?.RootElement)
                : Refused(ModelRefusalKind.Malformed, "config.json", "The file must hold one JSON object.");
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with invalid UTF-16 escapes, detected only on access.
            return Refused(
                ModelRefusalKind.Malformed,
                "config.json",
                "The file is not well-formed JSON of bounded depth."
            );
        }
    }

    private static ModelReading Parse(string name, JsonElement root, JsonElement? sidecar)
    {
        if (root.TryGetProperty("peft_type", out var adapter))
        {
            var kind =
                adapter.ValueKind == JsonValueKind.String && adapter.ValueEquals("LORA") ? "LoRA adapter" : "adapter";
            return Refused(
                ModelRefusalKind.Unsupported,
                "peft_type",
                $"The file describes a {kind}, not a model: register the model that base_model_name_or_path names."
            );
        }

        var fields = new ConfigFields(root, TextPart(root))
        {
            HasTextPart = TextNames.Any(name =>
                root.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object
            ),
        };
        if (root.TryGetProperty("thinker_config", out _))
        {
            fields.Doubt("the towers and the talker beside thinker_config are not counted");
        }

        var family = FamilyTable.Of(fields);
        if (fields.Flag(false, "is_encoder_decoder") || EncoderDecoder.Knows(family.Type))
        {
            return EncoderDecoder.Knows(family.Type)
                ? EncoderDecoder.Read(name, fields, family.Type)
                : Refused(
                    ModelRefusalKind.Unsupported,
                    "is_encoder_decoder",
                    "Of the encoder-decoder models only Whisper and BART are served."
                );
        }

        var size = Dimensions.Read(fields, family);
        var quantization = QuantizationPlan.Read(
            fields,
            sidecar is { ValueKind: JsonValueKind.Object } ? sidecar : null
        );
        if (fields.Fault is { } early)
        {
            return Without(name, family, early);
        }

        var plan = LayerPlan.Read(fields, family, size);
        var isTied = fields.Flag(family.IsTiedByDefault, "tie_word_embeddings", "tied_embeddings");
        var hasHead = !isTied && !family.IsEncoder && !IsHeadless(name, fields);

        var assembly = new ModelAssembly(fields, family, size, quantization, plan);
        assembly.AddLayers();
        assembly.AddOnce(hasHead);
        assembly.AddNextTokenPrediction(hasHead);
        if (fields.Fault is { } late)
        {
            return Without(name, family, late);
        }

        UnreadSizes.Doubt(fields);
        return ModelReading.Of(WithDoubts(assembly.Build(name, isTied), fields.Doubts));
    }

    private static ModelFacts WithDoubts(ModelFacts facts, IReadOnlyList<string> doubts) =>
        doubts.Count == 0
            ? facts
            : facts with
            {
                Doubts = [.. doubts],
                WeightsLowPerMille = DoubtLowPerMille,
                WeightsHighPerMille = DoubtHighPerMille,
            };

    /// <summary>
    /// An engine may know a type that is not known here, so a field that it leaves out is no fault. Without it there
    /// are no figures: the weights' files must give them.
    /// </summary>
    private static ModelReading Without(string name, Family family, ModelRefusal fault) =>
        family.IsKnown || family.Type.Length == 0 || fault.Kind != ModelRefusalKind.MissingField
            ? ModelReading.Refused(fault)
            : ModelReading.Of(
                new ModelFacts
                {
                    Name = name,
                    Architecture = family.Type,
                    Doubts =
                    [
                        $"model_type {family.Type} is not known and the config has no {fault.Field}; nothing is computed",
                    ],
                    WeightsLowPerMille = 0,
                }
            );

    /// <summary>Models for embeddings, rewards and classes have no output head over the vocabulary.</summary>
    private static bool IsHeadless(string name, ConfigFields fields)
    {
        var architecture =
            fields.Find("architectures") is { ValueKind: JsonValueKind.Array } list
            && list.GetArrayLength() > 0
            && list[0].ValueKind == JsonValueKind.String
                ? list[0].GetString() ?? ""
                : "";
        return name.Contains("embedding", StringComparison.OrdinalIgnoreCase)
            || architecture.Contains("ForSequenceClassification", StringComparison.Ordinal)
            || architecture.Contains("ForTokenClassification", StringComparison.Ordinal)
            || architecture.Contains("RewardModel", StringComparison.Ordinal)
            || (
                architecture.EndsWith("Model", StringComparison.Ordinal)
                && !architecture.Contains("LMHead", StringComparison.Ordinal)
                && !architecture.Contains("For", StringComparison.Ordinal)
                // ChatGLM's only class has a head.
                && architecture is not "ChatGLMModel"
            );
    }

    /// <summary>Multimodal models nest the language model's part; several names are in use.</summary>
    private static JsonElement TextPart(JsonElement root)
    {
        foreach (var name in TextNames)
        {
            if (root.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object)
            {
                return name is "thinker_config" ? TextPart(part) : part;
            }
        }

        return root;
    }

    private static JsonDocument Read(ReadOnlySpan<byte> utf8)
    {
        var bytes = utf8.ToArray();
        ReplaceBareNonNumbers(bytes);
        return JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Replaces <c>Infinity</c>, <c>-Infinity</c> and <c>NaN</c> outside strings by 0, in place.</summary>
    private static void ReplaceBareNonNumbers(Span<byte> json)
    {
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            if (inString)
            {
                if (json[i] == '\\')
                {
                    // The character after a backslash belongs to the string, also when it is a quote.
                    i++;
                }
                else
                {
                    inString = json[i] != '"';
                }

                continue;
            }

            inString = json[i] == '"';
            var token = json[i..];
            var length =
                token.StartsWith("Infinity"u8) ? 8
                : token.StartsWith("NaN"u8) ? 3
                : 0;
            if (length > 0)
            {
                token[..length].Fill((byte)' ');
                token[0] = (byte)'0';
            }
        }
    }

    private static ModelReading Refused(ModelRefusalKind kind, string field, string message) =>
        ModelReading.Refused(new ModelRefusal(kind, field, message));
}
