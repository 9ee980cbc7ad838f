using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>
/// VRAM need of a launch per GPU, as a range: a lower edge below which it cannot work, a likely value, and a safe upper
/// edge. Weights and KV cache are exact arithmetic; the range comes from activations and runtime overhead.
/// </summary>
/// <remarks>
/// More context or more sequences never lower a number here; the searches rely on it. Numbers are limited to
/// <see cref="Divide.MaxBytes"/>.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly struct VramEstimate
{
    /// <summary>Activation bytes per token and element of hidden size or active feed-forward width.</summary>
    /// <remarks>
    /// vllm#10517: 2.07 GiB at 20,000 and 2.99 GiB at 29,000 tokens of Llama-3.1-8B. So 109.8 kB per token = 6 ×
    /// (hidden 4,096 + intermediate 14,336).
    /// </remarks>
    private const long ActivationFactor = 6;

    /// <summary>An indexer's key has one 32-bit scale per 128 8-bit elements (vLLM's sparse cache).</summary>
    private const long IndexerBlock = 128;

    /// <summary>FP8 latent token with indexer: 512 + 4 scales + 64 × 2 bytes (<c>fp8_ds_mla</c>).</summary>
    private const long SparseLatentFp8Bytes = 656;

    /// <summary>Slack at the upper edge: half a GiB, the fragmentation seen between versions (vllm#33155).</summary>
    private const long SlackHigh = 512L << 20;

    private VramEstimate(Band weights, Band cache, Band activations, Band overhead, Band learned)
    {
        Weights = weights;
        Cache = cache;
        Activations = activations;
        Overhead = overhead;
        Learned = learned;
    }

    public Band Weights { get; }

    public Band Cache { get; }

    public Band Activations { get; }

    public Band Overhead { get; }

    /// <summary>
    /// The correction of <see cref="MemoryLesson"/>, which may be below zero, and <see cref="VramShortfall"/>.
    /// </summary>
    public Band Learned { get; }

    /// <summary>All but the cache and what was learned, slack included.</summary>
    public Band Fixed =>
        new(
            Weights.Low + Activations.Low + Overhead.Low,
            Weights.Expected + Activations.Expected + Overhead.Expected,
            Weights.High + Activations.High + Overhead.High + SlackHigh
        );

    public static Band Slack => new(0, 0, SlackHigh);

    public long Low => Weights.Low + Cache.Low + Activations.Low + Overhead.Low + Learned.Low;

    public long Expected =>
        Weights.Expected + Cache.Expected + Activations.Expected + Overhead.Expected + Learned.Expected;

    public long High => Weights.High + Cache.High + Activations.High + Overhead.High + Learned.High + SlackHigh;

    /// <summary>Estimates one GPU. Requires a valid request and a model that the GPUs can split.</summary>
    /// <param name="request">Its context is ignored.</param>
    /// <param name="lesson">Of this plan on these GPUs; null when no start reported anything.</param>
    public static VramEstimate Of(
        ModelFootprint model,
        LaunchPlan request,
        long contextTokens,
        int gpus,
        EngineProfile engine,
        MemoryLesson? lesson
    )
    {
        var weights = Band.Of(model.Weights(request.Format, gpus, engine));
        var exact = weights.Low;
        var cache = CacheOf(model, request, contextTokens, gpus, engine);
        if (request.Lora is { } lora)
        {
            weights = weights.Plus(lora.On(model.Model, gpus));
        }

        if (request.Draft?.Facts is { } facts)
        {
            // The draft model is split like the model. One that cannot be is whole on each GPU.
            var draft = ModelFootprint.Of(facts);
            var ways = draft.CanSplit(gpus, engine, null) ? gpus : 1;
            weights = weights.Plus(Band.Of(draft.Weights(null, ways, engine)));
            cache = cache.Plus(CacheOf(draft, request, contextTokens, ways, engine));
        }

        var estimate = new VramEstimate(
            weights,
            lesson is { CachePerMille: > 0 } told ? cache.Times(told.CachePerMille) : cache,
            ActivationsOf(model.Model, request, contextTokens, gpus, engine),
            OverheadOf(gpus, engine),
            request.Shortfall?.On(gpus) ?? default
        );
        return lesson is null
            ? estimate
            : new VramEstimate(
                estimate.Weights,
                estimate.Cache,
                estimate.Activations,
                estimate.Overhead,
                estimate.Learned.Plus(lesson.CorrectionOf(estimate.Fixed, exact))
            );
    }

    /// <summary>Cache of one sequence as the plan's engine is expected to keep it, bytes per GPU.</summary>
    public static long SequenceCacheBytes(
        ModelFootprint model,
        LaunchPlan plan,
        long contextTokens,
        int gpus,
        EngineProfile engine
    ) => SequenceCacheBytes(model, plan.Kv, contextTokens, gpus, engine, BatchOf(plan, engine).Likely);

    /// <summary>Tokens of one step.</summary>
    private static (long Low, long Likely) BatchOf(LaunchPlan plan, EngineProfile engine) =>
        plan.BatchTokens is { } stated ? (stated, stated)
        : engine.SplitsLayers ? (EngineProfile.MicroBatchTokens, EngineProfile.MicroBatchTokens)
        : (EngineProfile.BatchTokensLow, EngineProfile.BatchTokensExpected);

    /// <param name="batchTokens">Tokens that a sliding window must keep in addition while a batch is computed.</param>
    public static long SequenceCacheBytes(
        ModelFootprint model,
        KvFormat kv,
        long contextTokens,
        int gpus,
        EngineProfile engine,
        long batchTokens
    )
    {
        var tokens = Divide.Up(contextTokens, engine.BlockTokens) * engine.BlockTokens;
        var sum = 0L;
        foreach (var cache in model.Caches)
        {
            var layers = engine.SplitsLayers ? Divide.Up(cache.Layers, gpus) : cache.Layers;
            var ways = engine.SplitsLayers ? 1 : gpus;
            if (cache.Kind == CacheKind.State)
            {
                sum += Divide.Product(Divide.Up(cache.StateBytes, ways), layers);
                continue;
            }

            var kept = cache.Window > 0 ? Math.Min(tokens, Windowed(cache, engine, batchTokens)) : tokens;
            sum += Divide.Product(Divide.Product(TokenBytes(cache, kv, ways, model.IsSparse), layers), kept);
        }

        return Math.Min(sum, Divide.MaxBytes);
    }

    private static Band CacheOf(ModelFootprint model, LaunchPlan request, long context, int gpus, EngineProfile engine)
    {
        if (model.Caches.Length == 0)
        {
            return default;
        }

        var (low, likely) = BatchOf(request, engine);
        var expected = SequenceCacheBytes(model, request.Kv, context, gpus, engine, likely);
        // Only sliding windows depend on the batch.
        var least = low == likely ? expected : SequenceCacheBytes(model, request.Kv, context, gpus, engine, low);
        expected = Divide.Product(expected, request.ParallelSequences);
        return new(Divide.Product(least, request.ParallelSequences), expected, expected);
    }

    /// <summary>
    /// Tokens that a window keeps. vLLM: window − 1, the current batch, and one block for an unaligned start.
    /// llama.cpp: window and batch.
    /// </summary>
    private static long Windowed(CacheGroup cache, EngineProfile engine, long batchTokens)
    {
        var edge = engine.SplitsLayers ? 0 : engine.BlockTokens;
        return (
                Divide.Up(cache.Window - (engine.SplitsLayers ? 0 : 1) + batchTokens, engine.BlockTokens)
                * engine.BlockTokens
            ) + edge;
    }

    /// <summary>Bytes of one token in one layer on one GPU.</summary>
    internal static long TokenBytes(CacheGroup cache, KvFormat kv, int ways, bool isSparse)
    {
        if (cache.Kind == CacheKind.Indexer)
        {
            return cache.KeyDimension + (Divide.Up(cache.KeyDimension, IndexerBlock) * 4);
        }

        if (cache.Kind == CacheKind.Latent && isSparse && kv == KvFormat.Fp8)
        {
            return SparseLatentFp8Bytes;
        }

        // A latent vector has one head, so every GPU keeps it whole.
        long heads = Divide.Up(cache.KvHeads, ways);
        var elements = heads * ((long)cache.KeyDimension + cache.ValueDimension);
        return kv switch
        {
            KvFormat.Bf16 => elements * 2,
            KvFormat.Fp8 => elements,
            // A 32-bit scale each for the key and the value of each head.
            KvFormat.Int8PerTokenHead => elements + (heads * (cache.ValueDimension > 0 ? 8 : 4)),
            // ggml blocks of 32 elements: 34 and 18 bytes.
            KvFormat.Q8 => Divide.Up(elements, 32) * 34,
            KvFormat.Q4 => Divide.Up(elements, 32) * 18,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static Band ActivationsOf(
        ModelFacts model,
        LaunchPlan request,
        long context,
        int gpus,
        EngineProfile engine
    )
    {
        if (engine.SplitsLayers)
        {
            return MicroBatch(model, context, request, engine);
        }

        var perToken = ActivationFactor * (model.HiddenSize + Divide.Up(model.ActiveIntermediate, gpus));
        // 32-bit logits of each sequence; the upper edge includes a sorted copy.
        var logits = model.IsEncoder ? 0 : Divide.Product(4L * model.VocabularySize, request.ComputedSequences);
        if (request.BatchTokens is { } batch)
        {
            var stated = Divide.Product(perToken, batch);
            return new(stated + logits, stated + logits, stated + Divide.Product(logits, 2));
        }

        var low = Math.Min(context, EngineProfile.BatchTokensLow);
        var likely = Math.Clamp(context, EngineProfile.BatchTokensLow, EngineProfile.BatchTokensExpected);
        var high = Math.Clamp(context, EngineProfile.BatchTokensExpected, EngineProfile.BatchTokensHigh);
        return new(
            (perToken * low) + logits,
            (perToken * likely) + logits,
            (perToken * high) + Divide.Product(logits, 2)
        );
    }

    /// <summary>
    /// llama.cpp's compute buffer: the maximum of its steps (scores, logits, feed-forward block), because they reuse
    /// the memory.
    /// </summary>
    private static Band MicroBatch(ModelFacts model, long context, LaunchPlan plan, EngineProfile engine)
    {
        var batch = BatchOf(plan, engine).Likely;
        var logits = 4L * batch * model.VocabularySize;
        var feed = 4L * batch * (model.HiddenSize + Math.Max(model.HiddenSize, 2 * model.ActiveIntermediate));
        var cells = Divide.Product(context, engine.HoldsScores ? 1 : plan.ParallelSequences);
        var scores = engine.HoldsScores ? Divide.Product(4L * batch * model.AttentionHeads, cells) : 0;
        var step = Math.Max(Math.Max(logits, feed), scores);
        // The mask of the batch against all cells: 32 bits without flash attention, 16 with it.
        var mask = Divide.Product((engine.HoldsScores ? 4L : 2L) * batch, cells);
        return new(step, step + mask, step + (step / 4) + (2 * mask));
    }

    private static Band OverheadOf(int gpus, EngineProfile engine)
    {
        // Communication buffers between GPUs. Minimum: a few NCCL channels; maximum: all channels and the all-reduce
        // workspace.
        const long mib = 1L << 20;
        return gpus == 1 || engine.SplitsLayers
            ? new(engine.OverheadLow, engine.OverheadExpected, engine.OverheadHigh)
            : new(
                engine.OverheadLow + (100 * mib),
                engine.OverheadExpected + (500 * mib),
                engine.OverheadHigh + (1500 * mib)
            );
    }

    /// <summary>Lower edge, likely value and upper edge, bytes.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Band(long Low, long Expected, long High)
    {
        public static Band Of(ModelFootprint.WeightBytes weights) => new(weights.Low, weights.Expected, weights.High);

        public Band Times(int perMille) =>
            new(
                Divide.Product(Low, perMille) / 1000,
                Divide.Product(Expected, perMille) / 1000,
                Divide.Product(High, perMille) / 1000
            );

        public Band Plus(Band other) =>
            new(Divide.Sum(Low, other.Low), Divide.Sum(Expected, other.Expected), Divide.Sum(High, other.High));
    }
}
