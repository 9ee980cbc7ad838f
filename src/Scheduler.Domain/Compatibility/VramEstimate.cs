using System.Runtime.InteropServices;

namespace Scheduler.Domain.Compatibility;

/// <summary>
/// What a launch needs on each GPU, as a band: a lower edge below which it cannot work, what is likely, an upper edge that is safe.
/// Weights and KV cache are arithmetic; activations and runtime overhead are the band.
/// </summary>
/// <remarks>
/// Adding context or sequences never lowers a number here; searches rely on it. Numbers are held at <see cref="Divide.MaxBytes"/>.
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal readonly struct VramEstimate
{
    /// <summary>Elements a decoder layer holds per token beside its feed-forward block, as multiples of the hidden size; and bytes of each.</summary>
    /// <remarks>
    /// vllm#10517: 2.07 GiB at 20,000 and 2.99 GiB at 29,000 tokens of Llama-3.1-8B, 109.8 kB a token = 6 × (hidden 4,096 + intermediate 14,336).
    /// </remarks>
    private const long ActivationFactor = 6;

    /// <summary>An indexer's key is held in 8 bits with one 32-bit scale per 128 elements (vLLM's sparse-attention cache).</summary>
    private const long IndexerBlock = 128;

    /// <summary>Bytes of one token of latent cache in FP8 beside an indexer: 512 + 4 scales + 64 × 2 bytes (vLLM's <c>fp8_ds_mla</c>).</summary>
    private const long SparseLatentFp8Bytes = 656;

    /// <summary>Slack at the upper edge: half a GiB, fragmentation seen between versions (vllm#33155).</summary>
    private const long SlackHigh = 512L << 20;

    private VramEstimate(Band weights, Band cache, Band activations, Band overhead)
    {
        Weights = weights;
        Cache = cache;
        Activations = activations;
        Overhead = overhead;
    }

    /// <summary>Weights.</summary>
    public Band Weights { get; }

    /// <summary>KV cache and states.</summary>
    public Band Cache { get; }

    /// <summary>Activations.</summary>
    public Band Activations { get; }

    /// <summary>Runtime overhead.</summary>
    public Band Overhead { get; }

    /// <summary>Slack.</summary>
    public static Band Slack => new(0, 0, SlackHigh);

    /// <summary>Lower edge.</summary>
    public long Low => Weights.Low + Cache.Low + Activations.Low + Overhead.Low;

    /// <summary>Likely sum.</summary>
    public long Expected => Weights.Expected + Cache.Expected + Activations.Expected + Overhead.Expected;

    /// <summary>Upper edge.</summary>
    public long High => Weights.High + Cache.High + Activations.High + Overhead.High + SlackHigh;

    /// <summary>Estimates one GPU of <paramref name="gpus"/>; the request is valid and the model can be split so.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">How it runs; its context is not looked at.</param>
    /// <param name="contextTokens">Context of one sequence, tokens.</param>
    /// <param name="gpus">GPUs the model is split over.</param>
    /// <param name="engine">The engine.</param>
    public static VramEstimate Of(
        ModelFootprint model,
        FitRequest request,
        long contextTokens,
        int gpus,
        EngineProfile engine
    )
    {
        var weights = model.Weights(request.Format, gpus, engine);
        return new VramEstimate(
            new(weights.Low, weights.Expected, weights.High),
            CacheOf(model, request, contextTokens, gpus, engine),
            ActivationsOf(model.Model, request, contextTokens, gpus, engine),
            OverheadOf(gpus, engine)
        );
    }

    /// <summary>Bytes that all caches of one sequence take on one GPU, of a context in tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="kv">How the cache is held.</param>
    /// <param name="contextTokens">Tokens, ≥ 0.</param>
    /// <param name="gpus">GPUs the model is split over.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="batchTokens">Tokens a sliding window must hold beside itself while a batch is computed.</param>
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

    private static Band CacheOf(ModelFootprint model, FitRequest request, long context, int gpus, EngineProfile engine)
    {
        if (model.Caches.Length == 0)
        {
            return default;
        }

        var (low, likely) = engine.SplitsLayers
            ? (EngineProfile.MicroBatchTokens, EngineProfile.MicroBatchTokens)
            : (EngineProfile.BatchTokensLow, EngineProfile.BatchTokensExpected);
        var expected = SequenceCacheBytes(model, request.Kv, context, gpus, engine, likely);
        // Only windows depend on the batch.
        var least = low == likely ? expected : SequenceCacheBytes(model, request.Kv, context, gpus, engine, low);
        expected = Divide.Product(expected, request.ParallelSequences);
        return new(Divide.Product(least, request.ParallelSequences), expected, expected);
    }

    /// <summary>Tokens a window keeps: itself less one, the batch under way, and one block where its start is not aligned.</summary>
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
            // A 32-bit scale for the key and one for the value of each head.
            KvFormat.Int8PerTokenHead => elements + (heads * (cache.ValueDimension > 0 ? 8 : 4)),
            // ggml blocks of 32 elements: 34 and 18 bytes.
            KvFormat.Q8 => Divide.Up(elements, 32) * 34,
            KvFormat.Q4 => Divide.Up(elements, 32) * 18,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static Band ActivationsOf(
        ModelFacts model,
        FitRequest request,
        long context,
        int gpus,
        EngineProfile engine
    )
    {
        if (engine.SplitsLayers)
        {
            return MicroBatch(model, context, request.ParallelSequences, engine);
        }

        var perToken = ActivationFactor * (model.HiddenSize + Divide.Up(model.ActiveIntermediate, gpus));
        // 32-bit logits of each sequence; at the upper edge a copy of them is sorted.
        var logits = model.IsEncoder ? 0 : Divide.Product(4L * model.VocabularySize, request.ParallelSequences);
        var low = Math.Min(context, EngineProfile.BatchTokensLow);
        var likely = Math.Clamp(context, EngineProfile.BatchTokensLow, EngineProfile.BatchTokensExpected);
        var high = Math.Clamp(context, EngineProfile.BatchTokensExpected, EngineProfile.BatchTokensHigh);
        return new(
            (perToken * low) + logits,
            (perToken * likely) + logits,
            (perToken * high) + Divide.Product(logits, 2)
        );
    }

    /// <summary>llama.cpp's compute buffer: the largest of its steps, since they reuse the memory. Scores, or logits, or the feed-forward block.</summary>
    private static Band MicroBatch(ModelFacts model, long context, int sequences, EngineProfile engine)
    {
        var batch = EngineProfile.MicroBatchTokens;
        var logits = 4L * batch * model.VocabularySize;
        var feed = 4L * batch * (model.HiddenSize + Math.Max(model.HiddenSize, 2 * model.ActiveIntermediate));
        var cells = Divide.Product(context, engine.HoldsScores ? 1 : sequences);
        var scores = engine.HoldsScores ? Divide.Product(4L * batch * model.AttentionHeads, cells) : 0;
        var step = Math.Max(Math.Max(logits, feed), scores);
        // The mask of the batch against all cells: 32 bits without flash attention, 16 with it.
        var mask = Divide.Product((engine.HoldsScores ? 4L : 2L) * batch, cells);
        return new(step, step + mask, step + (step / 4) + (2 * mask));
    }

    private static Band OverheadOf(int gpus, EngineProfile engine)
    {
        // Communication buffers between GPUs: a few channels of NCCL at least, its full set and the all-reduce workspace at most.
        const long mib = 1L << 20;
        return gpus == 1 || engine.SplitsLayers
            ? new(engine.OverheadLow, engine.OverheadExpected, engine.OverheadHigh)
            : new(
                engine.OverheadLow + (100 * mib),
                engine.OverheadExpected + (500 * mib),
                engine.OverheadHigh + (1500 * mib)
            );
    }

    /// <summary>Lower edge, likely value, upper edge, bytes.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Band(long Low, long Expected, long High);
}
