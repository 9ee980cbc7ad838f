using System.Collections.Immutable;

namespace Scheduler.ModelFit;

internal sealed class ModelAssembly(
    ConfigFields fields,
    Family family,
    Dimensions size,
    QuantizationPlan quantization,
    Layer[] plan
)
{
    private readonly WeightBuilder _weights = new(fields, quantization);
    private readonly ImmutableArray<CacheGroup>.Builder _caches = ImmutableArray.CreateBuilder<CacheGroup>();

    private readonly bool _isLatent = fields.Find("kv_lora_rank") is not null;
    private long _activeIntermediate;

    /// <summary>The facts; call it after all parts were added.</summary>
    public ModelFacts Build(string name, bool isTied) =>
        new()
        {
            Name = name,
            Architecture = family.Type,
            Weights = _weights.Build(),
            Caches = family.IsEncoder ? [] : _caches.DrainToImmutable(),
            Layers = size.Layers,
            HiddenSize = (int)size.Hidden,
            VocabularySize = (int)size.Vocabulary,
            AttentionHeads = size.Heads,
            KvHeads = _isLatent ? 1 : size.KvHeads,
            ActiveIntermediate = _activeIntermediate,
            MaxContextTokens = size.MaxContextTokens,
            NativeFormat = quantization.Scheme.Format,
            TiedEmbeddings = isTied,
            IsEncoder = family.IsEncoder,
            PublishedKvFormat = quantization.HasFp8KvCache ? KvFormat.Fp8 : KvFormat.Bf16,
        };

    public void AddLayers()
    {
        AddAttention(Scope.Where(plan, layer => layer.Mixer is Mixer.Full or Mixer.Sliding or Mixer.Chunked));
        var cross = Scope.Where(plan, layer => layer.Mixer == Mixer.Cross);
        AttentionWeights.AddCross(_weights, cross, size);
        AddAttentionCaches();
        AddStates(Mixer.Selective, scope => StateWeights.AddSelective(_weights, scope, size, family, fields));
        AddStates(Mixer.Scalar, scope => StateWeights.AddScalar(_weights, scope, size, fields));
        AddStates(Mixer.Delta, scope => StateWeights.AddDelta(_weights, scope, size, fields));
        _activeIntermediate = FeedWeights.Add(
            _weights,
            Scope.Where(plan, layer => layer.Feed == Feed.Dense),
            Scope.Where(plan, layer => layer.Feed == Feed.Experts),
            size,
            family,
            fields
        );
        _weights.Small(Scope.Where(plan, _ => true), family.NormsPerLayer * NormWidth);
    }

    /// <summary>Adds the parts that occur once: embeddings, head, last norm, position table, vision tower.</summary>
    public void AddOnce(bool hasHead)
    {
        // Llama 3.2 Vision has eight more embeddings than output tokens.
        var extra = family.Type is "mllama" ? 8 : 0;
        _weights.Once(WeightRole.Embedding, size.Vocabulary + extra, size.Hidden);
        if (hasHead)
        {
            _weights.Once(WeightRole.LmHead, size.Vocabulary, size.Hidden);
        }

        _weights.Once(WeightRole.Norm, 1, NormWidth);
        if (family.HasPositionTable && size.MaxContextTokens is { } positions)
        {
            // OPT has two rows before its first position.
            _weights.Once(WeightRole.Position, positions + (family.Type is "opt" ? 2 : 0), size.Hidden);
        }

        if (family.IsEncoder)
        {
            var tokenTypes = fields.Number(0, 65536, "type_vocab_size") ?? 0;
            _weights.Once(WeightRole.Position, tokenTypes, size.Hidden);
            // The pooler.
            _weights.Once(WeightRole.Norm, 1, (size.Hidden * size.Hidden) + size.Hidden);
        }

        VisionWeights.Add(_weights, fields, size);
    }

    /// <summary>
    /// Adds the layers that predict the next-but-one token. Files store them and Hugging Face counts them; engines load
    /// them only for speculative decoding.
    /// </summary>
    public void AddNextTokenPrediction(bool hasHead)
    {
        var count = (int)(fields.Number(0, 16, "num_nextn_predict_layers", "mtp_num_hidden_layers") ?? 0);
        if (count == 0 || plan.Length == 0)
        {
            return;
        }

        var scope = new Scope([.. Enumerable.Range(plan.Length, count)], WeightRole.NextTokenPrediction);
        var none = new Scope([], WeightRole.NextTokenPrediction);
        AddAttention(scope);
        var routes = plan[^1].Feed == Feed.Experts;
        FeedWeights.Add(_weights, routes ? none : scope, routes ? scope : none, size, family, fields);
        // The layer's two norms; the norms of hidden state, embedding and head; the matrix that joins hidden state and
        // embedding.
        _weights.Small(scope, (5 * size.Hidden) + (2 * size.Hidden * size.Hidden));
        // DeepSeek's files repeat embeddings and head for the layer; GLM and Qwen share those of the model.
        var repeats = hasHead && _isLatent && family.Type is not "glm_moe_dsa";
        _weights.Small(scope, repeats ? 2 * size.Vocabulary * size.Hidden : 0);
    }

    private long NormWidth => family.HasBiasEverywhere ? 2 * size.Hidden : size.Hidden;

    private void AddAttention(Scope scope)
    {
        if (scope.Layers.Length == 0)
        {
            return;
        }

        if (_isLatent)
        {
            AttentionWeights.AddLatent(_weights, scope, size, fields);
        }
        else
        {
            AttentionWeights.AddGrouped(_weights, scope, size, family, fields);
        }
    }

    private void AddAttentionCaches()
    {
        var window = fields.Number(1, 1 << 30, "sliding_window") ?? 0;
        var chunk = fields.Number(1, 1 << 30, "attention_chunk_size") ?? 0;
        if (_isLatent)
        {
            var latent = AttentionWeights.LatentDimensions.Read(fields);
            AddCache(CacheKind.Latent, Mixer.Full, 1, latent.KvRank + latent.Rope, 0, 0);
            if (latent.IndexHeads > 0)
            {
                AddCache(CacheKind.Indexer, Mixer.Full, 1, latent.IndexDimension, 0, 0);
            }

            return;
        }

        AddCache(CacheKind.FullAttention, Mixer.Full, size.KvHeads, size.HeadDimension, size.HeadDimension, 0);
        // Cross attention keeps the image's keys and values; engines page them like those of the text.
        AddCache(CacheKind.FullAttention, Mixer.Cross, size.KvHeads, size.HeadDimension, size.HeadDimension, 0);
        AddCache(CacheKind.SlidingWindow, Mixer.Sliding, size.KvHeads, size.HeadDimension, size.HeadDimension, window);
        AddCache(CacheKind.Chunked, Mixer.Chunked, size.KvHeads, size.HeadDimension, size.HeadDimension, chunk);
    }

    private void AddCache(CacheKind kind, Mixer mixer, int heads, int key, int value, long window)
    {
        var layers = plan.Count(layer => layer.Mixer == mixer);
        if (layers > 0)
        {
            _caches.Add(new CacheGroup(kind, layers, heads, key, value, window, 0));
        }
    }

    private void AddStates(Mixer mixer, Func<Scope, long> add)
    {
        var scope = Scope.Where(plan, layer => layer.Mixer == mixer);
        if (scope.Layers.Length > 0)
        {
            _caches.Add(new CacheGroup(CacheKind.State, scope.Layers.Length, 0, 0, 0, 0, add(scope)));
        }
    }
}
