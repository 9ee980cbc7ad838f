using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Exact weights from a repository's own files: the safetensors index, or the headers of all safetensors files. The
/// config then gives only cache, states and activations.
/// </summary>
/// <remarks>Format: the safetensors documentation; a header is a length in 8 bytes and that much JSON.</remarks>
public static class WeightFiles
{
    /// <summary>Largest index or header; those of published files reach some 10 MB.</summary>
    public const int MaxBytes = 16 << 20;

    private const int MaxTensors = 1 << 20;

    /// <summary>Replaces the computed weights by those of the index: its total, divided like the computed ones.</summary>
    /// <param name="index"><c>model.safetensors.index.json</c>.</param>
    public static ModelReading ApplyIndex(ModelFacts facts, ReadOnlyMemory<byte> index)
    {
        if (!TryParse(index, out var document))
        {
            return Refused(
                ModelRefusalKind.Malformed,
                "weights_index",
                "The index is not well-formed JSON of bounded size."
            );
        }

        using (document)
        {
            if (
                document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("metadata", out var metadata)
                || metadata.ValueKind != JsonValueKind.Object
                || !metadata.TryGetProperty("total_size", out var size)
                || !ConfigFields.TryWhole(size, out var total)
                || total is < 1 or > ModelFacts.MaxParameters * 4
            )
            {
                return Refused(
                    ModelRefusalKind.MissingField,
                    "metadata.total_size",
                    "The index needs metadata.total_size, bytes."
                );
            }

            return ModelReading.Of(Exact(facts with { Weights = Scaled(facts, total) }));
        }
    }

    /// <summary>Replaces the computed weights by the tensors of the files.</summary>
    /// <param name="headers">The first bytes of every safetensors file, at least its whole header.</param>
    public static ModelReading ApplyHeaders(ModelFacts facts, IReadOnlyList<byte[]> headers)
    {
        var sums = new Dictionary<WeightRole, Sum>();
        var tensors = 0;
        foreach (var header in headers)
        {
            if (Read(header, facts, sums, ref tensors) is { } fault)
            {
                return ModelReading.Refused(fault);
            }
        }

        if (tensors == 0)
        {
            return Refused(ModelRefusalKind.MissingField, "weights_headers", "The headers name no tensor.");
        }

        return ModelReading.Of(
            Exact(facts with { Weights = [.. sums.OrderBy(pair => pair.Key).Select(pair => ToGroup(pair, facts))] })
        );
    }

    private static ModelRefusal? Read(byte[] file, ModelFacts facts, Dictionary<WeightRole, Sum> sums, ref int tensors)
    {
        if (file.Length < 8)
        {
            return new(ModelRefusalKind.NeedMoreBytes, "weights_headers", "A header has at least 8 bytes.", 8);
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(file);
        if (length > MaxBytes)
        {
            return new(
                ModelRefusalKind.TooLarge,
                "weights_headers",
                $"A header of {length} bytes; at most {MaxBytes} are read."
            );
        }

        if ((ulong)(file.Length - 8) < length)
        {
            return new(
                ModelRefusalKind.NeedMoreBytes,
                "weights_headers",
                $"A header needs {length + 8} bytes; {file.Length} were given.",
                (long)length + 8
            );
        }

        if (!TryParse(file.AsMemory(8, (int)length), out var document))
        {
            return new(ModelRefusalKind.Malformed, "weights_headers", "A header is not well-formed JSON.");
        }

        using (document)
        {
            return ReadTensors(document.RootElement, facts, sums, ref tensors);
        }
    }

    private static ModelRefusal? ReadTensors(
        JsonElement header,
        ModelFacts facts,
        Dictionary<WeightRole, Sum> sums,
        ref int tensors
    )
    {
        if (header.ValueKind != JsonValueKind.Object)
        {
            return new(ModelRefusalKind.Malformed, "weights_headers", "A header must hold one JSON object.");
        }

        foreach (var tensor in header.EnumerateObject())
        {
            if (tensor.NameEquals("__metadata__"))
            {
                continue;
            }

            if (++tensors > MaxTensors || Shape(tensor.Value) is not { } shape)
            {
                return new(
                    ModelRefusalKind.BadField,
                    "weights_headers",
                    "A tensor has no valid dtype, shape and data_offsets."
                );
            }

            var role = TensorRoles.Of(tensor.Name, facts.Layers);
            sums[role] = sums.GetValueOrDefault(role).Plus(tensor.Name, shape);
        }

        return null;
    }

    private static (string Type, long Elements, long Bytes)? Shape(JsonElement tensor)
    {
        if (
            tensor.ValueKind != JsonValueKind.Object
            || !tensor.TryGetProperty("dtype", out var type)
            || type.ValueKind != JsonValueKind.String
            || !tensor.TryGetProperty("shape", out var shape)
            || shape.ValueKind != JsonValueKind.Array
            || !tensor.TryGetProperty("data_offsets", out var offsets)
            || offsets.ValueKind != JsonValueKind.Array
            || offsets.GetArrayLength() != 2
            || !ConfigFields.TryWhole(offsets[0], out var start)
            || !ConfigFields.TryWhole(offsets[1], out var end)
            || start < 0
            || end < start
            || end - start > ModelFacts.MaxParameters
        )
        {
            return null;
        }

        Int128 elements = 1;
        foreach (var side in shape.EnumerateArray())
        {
            if (
                !ConfigFields.TryWhole(side, out var length)
                || length < 0
                || (elements *= length) > ModelFacts.MaxParameters
            )
            {
                return null;
            }
        }

        return (type.GetString() ?? "", (long)elements, end - start);
    }

    private static WeightGroup ToGroup(KeyValuePair<WeightRole, Sum> pair, ModelFacts facts)
    {
        var (role, sum) = pair;
        var scheme =
            sum.IsQuantized && facts.NativeFormat != WeightFormat.Bf16
                ? WeightScheme.Customary(facts.NativeFormat) with
                {
                    ScaleBits = 0,
                }
                : WeightScheme.Sixteen;
        return new WeightGroup(role, 1, Math.Max(1, sum.Parameters), 1, scheme, Math.Min(Divide.MaxBytes, sum.Bytes));
    }

    /// <summary>The groups with the index's total in place of the computed one.</summary>
    private static ImmutableArray<WeightGroup> Scaled(ModelFacts facts, long total)
    {
        var computed = facts.Weights.Sum(group => (decimal)group.StoredBytes);
        if (computed == 0)
        {
            // Nothing is known about the tensors: they count as dense 16-bit matrices.
            return [new WeightGroup(WeightRole.DenseMlp, 1, Math.Max(1, total / 2), 1, WeightScheme.Sixteen, total)];
        }

        // Published in 32 bits: engines load 16.
        var loaded =
            total > computed * 1.9m && total < computed * 2.1m && facts.NativeFormat == WeightFormat.Bf16
                ? total / 2m
                : total;
        return
        [
            .. facts.Weights.Select(group =>
                group with
                {
                    StoredBytes = Math.Max(1, (long)(group.StoredBytes * loaded / computed)),
                }
            ),
        ];
    }

    /// <summary>The weights are exact now; what was doubtful about them no longer is.</summary>
    private static ModelFacts Exact(ModelFacts facts) =>
        facts with
        {
            WeightsLowPerMille = 1000,
            WeightsHighPerMille = 1000,
            Doubts = facts.Doubts.IsEmpty || facts.Layers == 0 ? facts.Doubts : [.. facts.Doubts.Where(IsAboutCache)],
        };

    private static bool IsAboutCache(string doubt) =>
        doubt.Contains("model_type", StringComparison.Ordinal)
        || doubt.Contains("layer", StringComparison.Ordinal)
        || doubt.Contains("head", StringComparison.Ordinal)
        || doubt.Contains("rank", StringComparison.Ordinal);

    private static bool TryParse(ReadOnlyMemory<byte> utf8, out JsonDocument document)
    {
        document = null!;
        if (utf8.Length > MaxBytes)
        {
            return false;
        }

        try
        {
            document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = 8 });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static ModelReading Refused(ModelRefusalKind kind, string field, string message) =>
        ModelReading.Refused(new ModelRefusal(kind, field, message));

    /// <summary>Tensors of one role.</summary>
    /// <param name="Parameters">Logical weights: packed integers count as what they pack, scales do not count.</param>
    private readonly record struct Sum(long Parameters, long Bytes, bool IsQuantized)
    {
        public Sum Plus(string name, (string Type, long Elements, long Bytes) tensor)
        {
            var isScale =
                name.Contains("scale", StringComparison.Ordinal)
                || name.EndsWith("zeros", StringComparison.Ordinal)
                || name.EndsWith("zero_point", StringComparison.Ordinal)
                || name.EndsWith("g_idx", StringComparison.Ordinal)
                || name.Contains("absmax", StringComparison.Ordinal);
            // 4-bit weights: eight in 32 bits, two in a byte.
            var packed = tensor.Type switch
            {
                "I32" => 8,
                "U8" => 2,
                _ => 1,
            };
            // Engines load 32-bit weights in 16 bits; small tensors keep their width, which is within the page size.
            var loaded = tensor.Type is "F32" && !isScale ? tensor.Bytes / 2 : tensor.Bytes;
            return new Sum(
                checked(Parameters + (isScale ? 0 : tensor.Elements * packed)),
                checked(Bytes + loaded),
                IsQuantized || tensor.Type is not ("F32" or "F16" or "BF16")
            );
        }
    }
}
