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

    private readonly bool _isLatent = AttentionWeights.LatentDimensions.IsStated(fields);
    private long _activeIntermediate;

    /// <summary>The facts; call it after all parts were added.</summary>
    public ModelFacts Build(string name, bool isTied) =>
        new()
        {
            Name = name,
            Architecture = family.Type,
            Weights = _weights.Build(),
            Splits = _weights.Splits,
            Caches = family.IsEncoder ? [] : _caches.DrainToImmutable(),
            Layers = size.Layers,
            HiddenSize = (int)size.Hidden,
            VocabularySize = (int)size.Vocabulary,
            AttentionHeads = size.Heads,
            KvHeads = _isLatent ? 1 : MostKvHeads(),
            ActiveIntermediate = _activeIntermediate,
            MaxContextTokens = size.MaxContextTokens,
            NativeFormat = quantization.Scheme.Format,
            TiedEmbeddings = isTied,
            IsEncoder = family.IsEncoder,
            PublishedKvFormat = quantization.HasFp8KvCache ? KvFormat.Fp8 : KvFormat.Bf16,
        };

    public void AddLayers()
    {
        foreach (var (layer, scope) in Alike(plan.Where(layer => layer.Attends)))
        {
            AddAttention(layer, scope);
        }

        AttentionWeights.AddCross(_weights, Scope.Where(plan, layer => layer.Mixer == Mixer.Cross), size);
        _weights.Linear(
            Scope.Where(plan, layer => layer.Mixer == Mixer.Linear),
            WeightRole.Attention,
            "self_attn.linear_attn",
            size.Hidden,
            size.Hidden
        );
        AddAttentionCaches();
        AddStates(
            layer => layer.Mixer == Mixer.Selective,
            scope => StateWeights.AddSelective(_weights, scope, size, family, fields)
        );
        AddStates(
            layer => layer.Mixer == Mixer.Scalar || layer.HasState,
            scope => StateWeights.AddScalar(_weights, scope, size, fields)
        );
        AddStates(layer => layer.Mixer == Mixer.Delta, scope => StateWeights.AddDelta(_weights, scope, size, fields));
        AddStates(layer => layer.Mixer == Mixer.Kda, scope => StateWeights.AddKda(_weights, scope, size, fields));
        AddStates(layer => layer.Mixer == Mixer.Lightning, scope => StateWeights.AddLightning(_weights, scope, size));
        AddStates(
            layer => layer.Mixer == Mixer.Convolution,
            scope => StateWeights.AddConvolution(_weights, scope, size, fields)
        );
        AddFeeds();
        AddNorms();
        family.Extra?.Invoke(new FamilyWeights(fields, size, plan, _weights));
    }

    /// <summary>Adds the parts that occur once: embeddings, head, last norm, position table, towers.</summary>
    public void AddOnce(bool hasHead)
    {
        // Llama 3.2 Vision has eight more embeddings than output tokens.
        var extra = family.Type is "mllama" ? 8 : 0;
        _weights.Once(WeightRole.Embedding, size.Vocabulary + extra, size.Hidden);
        if (hasHead)
        {
            _weights.Once(WeightRole.LmHead, size.Vocabulary, size.Hidden);
            var headBias = fields.Flag(family.HasHeadBias, "lm_head_bias");
            _weights.Once(WeightRole.Norm, 1, headBias ? size.Vocabulary : 0);
        }

        _weights.Once(WeightRole.Norm, 1, NormWidth);
        if (family.PositionRows is { } rows && size.MaxContextTokens is { } positions)
        {
            _weights.Once(WeightRole.Position, positions + rows, size.Hidden);
        }

        TowerTable.Add(_weights, fields, size);
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
        AddAttention(plan.LastOrDefault(layer => layer.Attends) ?? new Layer(Mixer.Full, Feed.Dense), scope);
        if (plan[^1].Feed == Feed.Experts)
        {
            FeedWeights.AddExperts(_weights, scope, size, family, fields);
        }
        else
        {
            FeedWeights.AddDense(_weights, scope, 0, size, family, fields);
        }

        // The layer's two norms; the norms of hidden state, embedding and head; the matrix that joins hidden state and
        // embedding.
        _weights.Small(scope, (5 * size.Hidden) + (2 * size.Hidden * size.Hidden));
        // DeepSeek's and GLM 4.5's files repeat embeddings and head for the layer; GLM 5 and Qwen share those of the model.
        var repeats = hasHead && (_isLatent ? family.Type is not "glm_moe_dsa" : family.Type is "glm4_moe");
        _weights.Small(scope, repeats ? 2 * size.Vocabulary * size.Hidden : 0);
    }

    private int MostKvHeads() =>
        plan.Where(layer => layer.Attends)
            .Select(layer => layer.KvHeads > 0 ? layer.KvHeads : size.KvHeads)
            .DefaultIfEmpty(size.KvHeads)
            .Max();

    private long NormWidth => family.NormVectors * size.Hidden;

    private void AddFeeds()
    {
        foreach (var (width, scope) in Widths(layer => layer.Feed == Feed.Dense || layer.HasDenseBeside))
        {
            var active = FeedWeights.AddDense(_weights, scope, width, size, family, fields);
            _activeIntermediate = Math.Max(_activeIntermediate, active);
        }

        _weights.Linear(
            Scope.Where(plan, layer => layer.Feed == Feed.Linear),
            WeightRole.DenseMlp,
            family.FeedModule + ".linear_mlp",
            size.Hidden,
            size.Hidden
        );
        var routed = FeedWeights.AddExperts(
            _weights,
            Scope.Where(plan, layer => layer.Feed == Feed.Experts),
            size,
            family,
            fields
        );
        _activeIntermediate = Math.Max(_activeIntermediate, routed);
    }

    /// <summary>A layer whose mixer or block is left out has no norm before it.</summary>
    private void AddNorms()
    {
        var isHalf = family.NormsPerLayer == 2;
        _weights.Small(Scope.Where(plan, layer => !isHalf || !IsHalf(layer)), family.NormsPerLayer * NormWidth);
        _weights.Small(Scope.Where(plan, layer => isHalf && IsHalf(layer)), NormWidth);
    }

    private static bool IsHalf(Layer layer) => layer.Mixer == Mixer.None || layer.Feed == Feed.None;

    private void AddAttention(Layer layer, Scope scope)
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
            AttentionWeights.AddGrouped(_weights, scope, layer, size, family, fields);
        }
    }

    private void AddAttentionCaches()
    {
        var window = fields.Number(0, 1 << 30, "sliding_window", "local_attention") ?? 0;
        var chunk = fields.Number(1, 1 << 30, "attention_chunk_size") ?? 0;
        if (_isLatent)
        {
            var latent = AttentionWeights.LatentDimensions.Read(fields, size);
            var layers = plan.Count(layer => layer.Mixer == Mixer.Full);
            AddCache(CacheKind.Latent, layers, 1, latent.KvRank + latent.Rope, 0, 0);
            if (latent.IndexHeads > 0)
            {
                var indexed = latent.IndexScope(Scope.Where(plan, layer => layer.Mixer == Mixer.Full)).Layers.Length;
                AddCache(CacheKind.Indexer, indexed, 1, latent.IndexDimension, 0, 0);
            }

            return;
        }

        var caching = plan.Where(layer => (layer.Attends || layer.Mixer == Mixer.Cross) && !layer.SharesKv);
        foreach (
            var group in caching
                .GroupBy(layer => (layer.Mixer, layer.KvHeads, layer.Key, layer.Value))
                .OrderBy(group => group.Key.Mixer)
        )
        {
            var (mixer, heads, key, value) = group.Key;
            // Cross attention keeps the image's keys and values; engines page them like those of the text.
            var (kind, kept) =
                mixer == Mixer.Sliding ? (CacheKind.SlidingWindow, window)
                : mixer == Mixer.Chunked ? (CacheKind.Chunked, chunk)
                : (CacheKind.FullAttention, 0L);
            key = key > 0 ? key : size.HeadDimension;
            AddCache(kind, group.Count(), heads > 0 ? heads : size.KvHeads, key, value > 0 ? value : key, kept);
        }
    }

    private void AddCache(CacheKind kind, int layers, int heads, int key, int value, long window)
    {
        if (layers > 0)
        {
            _caches.Add(new CacheGroup(kind, layers, heads, key, value, window, 0));
        }
    }

    private void AddStates(Func<Layer, bool> condition, Func<Scope, long> add)
    {
        var scope = Scope.Where(plan, condition);
        if (scope.Layers.Length > 0)
        {
            _caches.Add(new CacheGroup(CacheKind.State, scope.Layers.Length, 0, 0, 0, 0, add(scope)));
        }
    }

    /// <summary>Layers whose attention has the same shape.</summary>
    private IEnumerable<(Layer Layer, Scope Scope)> Alike(IEnumerable<Layer> layers) =>
        layers
            .Select(ShapeOf)
            .Distinct()
            .ToList()
            .Select(shape => (shape, Scope.Where(plan, layer => layer.Attends && ShapeOf(layer) == shape)));

    private static Layer ShapeOf(Layer layer) =>
        layer with
        {
            Feed = Feed.None,
            Width = 0,
            HasDenseBeside = false,
            SharesKv = false,
        };

    private IEnumerable<(long Width, Scope Scope)> Widths(Func<Layer, bool> condition) =>
        plan.Where(condition)
            .Select(layer => layer.Width)
            .Distinct()
            .ToList()
            .Select(width => (width, Scope.Where(plan, layer => condition(layer) && layer.Width == width)));
}
