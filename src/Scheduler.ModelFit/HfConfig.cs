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
    /// <summary>Largest accepted file; the longest shipped one has 28 kB.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxDepth = 32;

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
        var text = TextPart(root);
        var fields = new ConfigFields(root, text);
        if (fields.Flag(false, "is_encoder_decoder"))
        {
            return Refused(
                ModelRefusalKind.Unsupported,
                "is_encoder_decoder",
                "Encoder-decoder models are not served."
            );
        }

        var rootType =
            root.TryGetProperty("model_type", out var type) && type.ValueKind == JsonValueKind.String
                ? type.GetString()
                : "";
        var family = Family.Of(fields, rootType ?? "");
        var size = Dimensions.Read(fields, family);
        var quantization = QuantizationPlan.Read(
            fields,
            sidecar is { ValueKind: JsonValueKind.Object } ? sidecar : null
        );
        if (fields.Fault is { } early)
        {
            return ModelReading.Refused(early);
        }

        var plan = LayerPlan.Read(fields, family, size.Layers);
        var isTied = fields.Flag(family.IsTiedByDefault, "tie_word_embeddings");
        var hasHead = !isTied && !family.IsEncoder && !name.Contains("embedding", StringComparison.OrdinalIgnoreCase);

        var assembly = new ModelAssembly(fields, family, size, quantization, plan);
        assembly.AddLayers();
        assembly.AddOnce(hasHead);
        assembly.AddNextTokenPrediction(hasHead);
        if (fields.Fault is { } late)
        {
            return ModelReading.Refused(late);
        }

        return ModelReading.Of(assembly.Build(name, isTied));
    }

    /// <summary>Multimodal models nest the language model's part; three names are in use.</summary>
    private static JsonElement TextPart(JsonElement root)
    {
        foreach (var name in (ReadOnlySpan<string>)["text_config", "llm_config", "language_config"])
        {
            if (root.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object)
            {
                return part;
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
