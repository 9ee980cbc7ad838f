namespace Scheduler.ModelFit;

/// <summary>
/// Encoder-decoder models that engines serve: Whisper and BART. The decoder caches its own keys and values and those of
/// the encoder's output.
/// </summary>
internal static class EncoderDecoder
{
    private const int Max = 1 << 20;

    public static bool Knows(string type) => type is "whisper" or "bart" or "mbart";

    public static ModelReading Read(string name, ConfigFields fields, string type)
    {
        var isWhisper = type is "whisper";
        var width = fields.Need(Max, "d_model");
        var heads = (int)fields.Need(4096, "decoder_attention_heads");
        var encoders = (int)fields.Need(1024, "encoder_layers");
        var decoders = (int)fields.Need(1024, "decoder_layers");
        var vocabulary = fields.Need(1 << 24, "vocab_size");
        var inner = fields.Need(Max, "decoder_ffn_dim");
        var encoderInner = fields.Need(Max, "encoder_ffn_dim");
        var positions = fields.Need(Max, "max_target_positions", "max_position_embeddings");
        var source = fields.Number(1, Max, "max_source_positions") ?? positions;
        var quantization = QuantizationPlan.Read(fields, null);
        if (fields.Fault is { } fault)
        {
            return ModelReading.Refused(fault);
        }

        var weights = new WeightBuilder(fields, quantization);
        var encoder = new Scope([.. Enumerable.Range(0, encoders)]);
        var decoder = new Scope([.. Enumerable.Range(0, decoders)]);
        // Whisper's keys have no bias.
        var bias = (isWhisper ? 3 : 4) * width;
        AddBlock(weights, encoder, width, encoderInner, 1, bias);
        AddBlock(weights, decoder, width, inner, 2, bias);
        weights.Once(WeightRole.Embedding, vocabulary, width);
        // BART has two rows before its first position, in both tables, and a norm after each table of embeddings.
        weights.Once(WeightRole.Position, positions + source + (isWhisper ? 0 : 4), width);
        weights.Once(WeightRole.Norm, 1, 4 * width);
        if (isWhisper)
        {
            var mels = fields.Number(1, 4096, "num_mel_bins") ?? 80;
            weights.Once(WeightRole.Vision, 1, (3 * mels * width) + (3 * width * width) + (2 * width));
        }

        if (fields.Fault is { } late)
        {
            return ModelReading.Refused(late);
        }

        return ModelReading.Of(
            Facts(
                name,
                type,
                weights,
                (width, heads, encoders + decoders, vocabulary, inner, positions),
                source,
                decoders,
                quantization
            )
        );
    }

    private static ModelFacts Facts(
        string name,
        string type,
        WeightBuilder weights,
        (long Width, int Heads, int Layers, long Vocabulary, long Inner, long Positions) size,
        long source,
        int decoders,
        QuantizationPlan quantization
    )
    {
        var head = (int)Math.Max(1, size.Width / size.Heads);
        return new ModelFacts
        {
            Name = name,
            Architecture = type,
            Weights = weights.Build(),
            // The cross attention keeps the encoder's output, which has a fixed length.
            Caches =
            [
                new CacheGroup(CacheKind.FullAttention, decoders, size.Heads, head, head, 0, 0),
                new CacheGroup(CacheKind.State, decoders, 0, 0, 0, 0, 4 * source * size.Width),
            ],
            Layers = size.Layers,
            HiddenSize = (int)size.Width,
            VocabularySize = (int)size.Vocabulary,
            AttentionHeads = size.Heads,
            KvHeads = size.Heads,
            ActiveIntermediate = size.Inner,
            MaxContextTokens = size.Positions,
            NativeFormat = quantization.Scheme.Format,
            TiedEmbeddings = true,
        };
    }

    private static void AddBlock(WeightBuilder weights, Scope scope, long width, long inner, int attentions, long bias)
    {
        for (var i = 0; i < attentions; i++)
        {
            var module = i == 0 ? "self_attn" : "encoder_attn";
            weights.Linear(scope, WeightRole.Attention, module + ".q_proj", width, width);
            weights.Linear(scope, WeightRole.KeyValue, module + ".k_proj", width, width);
            weights.Linear(scope, WeightRole.KeyValue, module + ".v_proj", width, width);
            weights.Linear(scope, WeightRole.Attention, module + ".out_proj", width, width);
        }

        weights.Linear(scope, WeightRole.DenseMlp, "fc1", inner, width);
        weights.Linear(scope, WeightRole.DenseMlp, "fc2", width, inner, isDown: true);
        weights.Small(scope, (attentions * bias) + inner + width + ((attentions + 1) * 2 * width));
    }
}
