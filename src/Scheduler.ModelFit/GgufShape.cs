using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>Dimensions from the metadata of a GGUF file, whose keys have the architecture as prefix.</summary>
internal sealed class GgufShape
{
    private const long MaxDimension = 1 << 24;

    private readonly GgufMetadata _metadata;
    private readonly string _prefix;

    public GgufShape(GgufMetadata metadata, string architecture)
    {
        _metadata = metadata;
        _prefix = architecture + ".";
        IsEncoder = architecture.Contains("bert", StringComparison.Ordinal);
        Layers = metadata.Number(_prefix + "block_count") ?? 0;
        Hidden = metadata.Number(_prefix + "embedding_length") ?? 0;
        Vocabulary = Bounded("vocab_size", metadata.LengthOf("tokenizer.ggml.tokens") ?? 0);
        Heads = Bounded("attention.head_count", 0, 4096);
        // A hybrid model lists KV heads per layer, 0 for a layer without attention.
        KvPerLayer = metadata.Numbers(_prefix + "attention.head_count_kv");
        KvHeads = KvPerLayer.Length > 0 ? KvPerLayer.Max() : Heads;
        if (KvHeads < 0 || KvHeads > 4096 || KvPerLayer.Any(heads => heads < 0))
        {
            Fault ??= "attention.head_count_kv";
            KvHeads = 0;
        }

        MaxContextTokens = Bounded("context_length", 0, 1 << 30) is var context && context > 0 ? context : null;
        var expert = Bounded("expert_feed_forward_length", 0) * Bounded("expert_used_count", 0, 65536);
        ActiveIntermediate = Math.Max(Bounded("feed_forward_length", 4 * Math.Clamp(Hidden, 0, 1 << 20)), expert);
    }

    /// <summary>The first key with an invalid value, or null.</summary>
    public string? Fault { get; private set; }

    public long Layers { get; }

    public long Hidden { get; }

    public long Vocabulary { get; }

    public long Heads { get; }

    public long KvHeads { get; }

    public long? MaxContextTokens { get; }

    public long ActiveIntermediate { get; }

    public bool IsEncoder { get; }

    private long[] KvPerLayer { get; }

    public ImmutableArray<CacheGroup> Caches()
    {
        if (IsEncoder)
        {
            return [];
        }

        var caches = ImmutableArray.CreateBuilder<CacheGroup>();
        var attending = KvPerLayer.Length == Layers ? KvPerLayer.Count(heads => heads > 0) : Layers;
        if (Bounded("attention.kv_lora_rank", 0) is var rank && rank > 0)
        {
            var rope = Bounded("rope.dimension_count", 64);
            caches.Add(new(CacheKind.Latent, (int)attending, 1, (int)(rank + rope), 0, 0, 0));
        }
        else if (KvHeads > 0)
        {
            AddAttention(caches, (int)attending);
        }

        AddStates(caches, KvHeads == 0 ? Layers : Layers - attending);
        return caches.DrainToImmutable();
    }

    private void AddAttention(ImmutableArray<CacheGroup>.Builder caches, int attending)
    {
        var own = Hidden / Math.Max(1, Heads);
        var key = (int)Bounded("attention.key_length", own, 1 << 16);
        var value = (int)Bounded("attention.value_length", own, 1 << 16);
        var window = Bounded("attention.sliding_window", 0, 1 << 30);
        var sliding = window > 0 ? Sliding(attending) : 0;
        if (attending > sliding)
        {
            caches.Add(new(CacheKind.FullAttention, attending - sliding, (int)KvHeads, key, value, 0, 0));
        }

        if (sliding > 0)
        {
            caches.Add(new(CacheKind.SlidingWindow, sliding, (int)KvHeads, key, value, window, 0));
        }
    }

    /// <summary>Sliding-window layers: from the file's pattern, else llama.cpp's constant.</summary>
    private int Sliding(int attending)
    {
        var pattern = _metadata.Numbers(_prefix + "attention.sliding_window_pattern");
        if (pattern.Length == attending)
        {
            return pattern.Count(slides => slides != 0);
        }

        var period = _prefix switch
        {
            "gemma2." or "gpt-oss." => 2,
            "gemma3." => 6,
            "cohere2." => 4,
            _ => 0,
        };
        return period == 0 ? 0 : attending - (attending / period);
    }

    private void AddStates(ImmutableArray<CacheGroup>.Builder caches, long layers)
    {
        var inner = Bounded("ssm.inner_size", 0);
        var states = Bounded("ssm.state_size", 0, 1 << 16);
        if (inner == 0 || states == 0 || layers <= 0)
        {
            return;
        }

        var kernel = Bounded("ssm.conv_kernel", 4, 64);
        var groups = Bounded("ssm.group_count", 0, 1 << 16);
        // llama.cpp keeps both in 32 bits.
        var window = Math.Max(0, kernel - 1) * (inner + (2 * groups * states));
        caches.Add(new(CacheKind.State, (int)layers, 0, 0, 0, 0, 4 * (window + (inner * states))));
    }

    private long Bounded(string key, long otherwise, long max = MaxDimension)
    {
        var value = _metadata.Number(_prefix + key) ?? otherwise;
        if (value >= 0 && value <= max)
        {
            return value;
        }

        Fault ??= key;
        return 0;
    }
}
