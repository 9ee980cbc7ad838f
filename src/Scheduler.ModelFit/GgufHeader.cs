namespace Scheduler.ModelFit;

/// <summary>
/// Reads the header of an untrusted GGUF file (version 2 or 3) into <see cref="ModelFacts"/>: metadata and tensor list,
/// without the weights. The weight bytes are exact, computed from each tensor's shape and ggml type.
/// </summary>
/// <remarks>
/// Every count is limited, and no allocation depends on a size that the file states. An incomplete header is
/// distinguished from a malformed one: the caller then fetches more bytes and calls again. Format: the GGUF
/// specification in ggml's documentation.
/// </remarks>
public static class GgufHeader
{
    /// <summary>Maximum number of tensors; the largest published files have a few thousand.</summary>
    private const ulong MaxTensors = 1 << 16;

    private const uint MaxTensorDimensions = 4;
    private const int MaxNameBytes = 128;
    private const int MaxLayers = 1024;

    /// <summary>"GGUF", little-endian.</summary>
    private const ulong Magic = 0x46554747;

    /// <param name="bytes">The file's first bytes; 16 MiB contain the header of any published file.</param>
    public static ModelReading Parse(string name, ReadOnlySpan<byte> bytes) => Parse(name, bytes, []);

    /// <param name="bytes">The first bytes of the first file.</param>
    /// <param name="parts">The first bytes of the further files of a split model, in any order.</param>
    public static ModelReading Parse(string name, ReadOnlySpan<byte> bytes, IReadOnlyList<byte[]> parts)
    {
        if (ReadPart(bytes, out var first) is { } fault)
        {
            return ModelReading.Refused(fault);
        }

        var files = Math.Max(1, first.Metadata.Number("split.count") ?? 1);
        if (parts.Count + 1 != files)
        {
            return ModelReading.Refused(
                new ModelRefusal(
                    ModelRefusalKind.MissingField,
                    "split.count",
                    $"The model is split over {files} files and {parts.Count + 1} were given; give the header of each."
                )
            );
        }

        var weights = first.Weights;
        var tensors = (long)first.Tensors;
        var seen = new HashSet<long> { first.Metadata.Number("split.no") ?? 0 };
        foreach (var part in parts)
        {
            if (ReadPart(part, out var next) is { } partFault)
            {
                return ModelReading.Refused(partFault);
            }

            if (!seen.Add(next.Metadata.Number("split.no") ?? 0))
            {
                return Refuse("split.no", "Two of the files have the same number; give each file once.");
            }

            tensors += (long)next.Tensors;
            foreach (var (role, sum) in next.Weights)
            {
                var known = weights.GetValueOrDefault(role);
                weights[role] = (known.Parameters + sum.Parameters, Math.Min(Divide.MaxBytes, known.Bytes + sum.Bytes));
            }
        }

        return first.Metadata.Number("split.tensors.count") is { } total && files > 1 && total != tensors
            ? Refuse("split.tensors.count", $"The files hold {tensors} tensors together; {total} are stated.")
            : Assemble(name, first.Metadata, weights);
    }

    private static ModelRefusal? ReadPart(ReadOnlySpan<byte> bytes, out Part part)
    {
        var reader = new GgufReader(bytes);

        if (reader.Unsigned(4) != Magic)
        {
            reader.Refuse(ModelRefusalKind.Malformed, "magic", "The file does not start with GGUF.");
        }

        var version = reader.Unsigned(4);
        if (version is not (2 or 3))
        {
            reader.Refuse(ModelRefusalKind.Unsupported, "version", $"GGUF version {version}; 2 and 3 are read.");
        }

        var tensors = reader.Unsigned(8);
        var pairs = reader.Unsigned(8);
        if (tensors > MaxTensors)
        {
            reader.Refuse(ModelRefusalKind.BadField, "tensor_count", $"{tensors} tensors; 1 to {MaxTensors} are read.");
        }

        var metadata = new GgufMetadata();
        metadata.Read(ref reader, pairs);
        // The first file of a split model may hold metadata only.
        if (tensors == 0 && (metadata.Number("split.count") ?? 1) < 2)
        {
            reader.Refuse(ModelRefusalKind.BadField, "tensor_count", $"0 tensors; 1 to {MaxTensors} are read.");
        }

        part = new Part(metadata, tensors, ReadTensors(ref reader, tensors));
        return reader.Fault;
    }

    private sealed record Part(
        GgufMetadata Metadata,
        ulong Tensors,
        Dictionary<WeightRole, (long Parameters, long Bytes)> Weights
    );

    private static Dictionary<WeightRole, (long Parameters, long Bytes)> ReadTensors(
        ref GgufReader reader,
        ulong tensors
    )
    {
        var sums = new Dictionary<WeightRole, (long Parameters, long Bytes)>();
        for (ulong i = 0; i < tensors && reader.Fault is null; i++)
        {
            var tensor = reader.Text("tensor name", MaxNameBytes);
            var parameters = ReadShape(ref reader, tensor, out var first);
            var type = (uint)reader.Unsigned(4);
            reader.Skip(8); // Where the weights start.
            if (reader.Fault is not null)
            {
                break;
            }

            if (GgmlTypes.BlockOf(type) is not { } block)
            {
                reader.Refuse(ModelRefusalKind.Unsupported, tensor, $"ggml type {type} is not known.");
                break;
            }

            var role = RoleOf(tensor);
            var (known, knownBytes) = sums.GetValueOrDefault(role);
            // A row is stored in whole blocks. No overflow: both sums stay below 2^16 tensors of 2^44 weights of 8
            // bytes.
            var bytes = Divide.Product(parameters / first, Divide.Up(first, block.Weights) * block.Bytes);
            sums[role] = (known + parameters, Math.Min(Divide.MaxBytes, knownBytes + bytes));
        }

        return sums;
    }

    private static long ReadShape(ref GgufReader reader, string tensor, out long first)
    {
        first = 1;
        var dimensions = (uint)reader.Unsigned(4);
        if (dimensions is 0 or > MaxTensorDimensions)
        {
            reader.Refuse(
                ModelRefusalKind.BadField,
                tensor,
                $"{dimensions} dimensions; 1 to {MaxTensorDimensions} are read."
            );
        }

        Int128 product = 1;
        for (var d = 0; d < dimensions && reader.Fault is null; d++)
        {
            var length = reader.Unsigned(8);
            product *= length;
            // Limit of 2^44 weights per tensor: sixteen times a trillion.
            if (length == 0 || product > 1L << 44)
            {
                reader.Refuse(ModelRefusalKind.BadField, tensor, "A tensor's lengths must multiply to 1 to 2^44.");
                break;
            }

            first = d == 0 ? (long)length : first;
        }

        return reader.Fault is null ? (long)product : 1;
    }

    private static WeightRole RoleOf(string tensor)
    {
        if (tensor.StartsWith("token_embd", StringComparison.Ordinal))
        {
            return WeightRole.Embedding;
        }

        if (tensor.StartsWith("output.", StringComparison.Ordinal))
        {
            return WeightRole.LmHead;
        }

        if (tensor.StartsWith("v.", StringComparison.Ordinal) || tensor.StartsWith("mm.", StringComparison.Ordinal))
        {
            return WeightRole.Vision;
        }

        var part = tensor[(tensor.IndexOf('.', StringComparison.Ordinal) + 1)..];
        part = part[(part.IndexOf('.', StringComparison.Ordinal) + 1)..];
        return part switch
        {
            _ when part.Contains("norm", StringComparison.Ordinal)
                    || part.EndsWith(".bias", StringComparison.Ordinal) => WeightRole.Norm,
            _ when part.Contains("_exps", StringComparison.Ordinal) => WeightRole.RoutedExpert,
            _ when part.Contains("_shexp", StringComparison.Ordinal) => WeightRole.SharedExpert,
            _ when part.StartsWith("ffn_gate_inp", StringComparison.Ordinal) => WeightRole.Router,
            _ when part.StartsWith("ffn_", StringComparison.Ordinal) => WeightRole.DenseMlp,
            _ when part.StartsWith("ssm_", StringComparison.Ordinal) => WeightRole.StateSpace,
            _ when part.StartsWith("attn_k.", StringComparison.Ordinal) => WeightRole.KeyValue,
            _ when part.StartsWith("attn_v.", StringComparison.Ordinal) => WeightRole.KeyValue,
            _ when part.StartsWith("attn_", StringComparison.Ordinal) => WeightRole.Attention,
            _ => WeightRole.Norm,
        };
    }

    private static ModelReading Assemble(
        string name,
        GgufMetadata metadata,
        Dictionary<WeightRole, (long Parameters, long Bytes)> weights
    )
    {
        var architecture = metadata.Text("general.architecture");
        var shape = new GgufShape(metadata, architecture);
        if (architecture.Length == 0 || shape.Layers is < 1 or > MaxLayers || shape.Hidden is < 1 or > 1 << 20)
        {
            return Refuse(
                architecture.Length == 0 ? "general.architecture"
                    : shape.Layers < 1 ? "block_count"
                    : "embedding_length",
                "general.architecture, block_count (to 1,024) and embedding_length (to 2^20) are needed."
            );
        }

        if (shape.Fault is { } field)
        {
            return Refuse(field, $"{field} has a value no model has.");
        }

        if (weights.Values.Sum(sum => (decimal)sum.Parameters) > ModelFacts.MaxParameters)
        {
            return Refuse("tensors", "More than 2^50 weights; no model is that large.");
        }

        return ModelReading.Of(
            new ModelFacts
            {
                Name = name,
                Architecture = architecture,
                Weights = [.. weights.OrderBy(pair => pair.Key).Select(ToGroup)],
                Caches = shape.Caches,
                Layers = (int)shape.Layers,
                HiddenSize = (int)shape.Hidden,
                VocabularySize = (int)shape.Vocabulary,
                AttentionHeads = (int)shape.Heads,
                KvHeads = (int)shape.KvHeads,
                ActiveIntermediate = shape.ActiveIntermediate,
                MaxContextTokens = shape.MaxContextTokens,
                NativeFormat = WeightFormat.Gguf,
                TiedEmbeddings = !weights.ContainsKey(WeightRole.LmHead),
                IsEncoder = shape.IsEncoder,
            }
        );
    }

    private static WeightGroup ToGroup(KeyValuePair<WeightRole, (long Parameters, long Bytes)> pair) =>
        // GGUF as a scheme means a mixture of types. The bytes are exact and include the scales.
        new(pair.Key, 1, pair.Value.Parameters, 1, new(WeightFormat.Gguf, -1, 1, 0), pair.Value.Bytes);

    private static ModelReading Refuse(string field, string message) =>
        ModelReading.Refused(new(ModelRefusalKind.BadField, field, message));
}
