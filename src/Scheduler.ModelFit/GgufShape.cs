using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>Dimensions from the metadata of a GGUF file, whose keys have the architecture as prefix.</summary>
internal sealed class GgufShape
{
    private const long MaxDimension = 1 << 24;

    /// <summary>Architectures without a cache. Source: llama.cpp's <c>llama-arch.cpp</c> and <c>llama-model.cpp</c>.</summary>
    private static readonly FrozenSet<string> Encoders = new[]
    {
        "t5encoder",
        "gemma-embedding",
        "wavtokenizer-dec",
        "dream",
        "llada",
        "llada-moe",
        "clip",
    }.ToFrozenSet(StringComparer.Ordinal);

    private readonly GgufMetadata _metadata;
    private readonly string _prefix;

    public GgufShape(GgufMetadata metadata, string architecture)
    {
        _metadata = metadata;
        _prefix = architecture + ".";
        IsEncoder = architecture.Contains("bert", StringComparison.Ordinal) || Encoders.Contains(architecture);
        Layers = metadata.Number(_prefix + "block_count") ?? 0;
        Hidden = metadata.Number(_prefix + "embedding_length") ?? 0;
        Vocabulary = Bounded("vocab_size", metadata.LengthOf("tokenizer.ggml.tokens") ?? 0);
        Heads = metadata.Numbers(_prefix + "attention.head_count") is { Length: > 1 } list
            ? Math.Clamp(list.Max(), 0, 4096)
            : Bounded("attention.head_count", 0, 4096);
        // A hybrid model lists KV heads per layer, 0 for a layer without attention.
        KvPerLayer = metadata.Numbers(_prefix + "attention.head_count_kv");
        KvHeads = KvPerLayer.Length > 0 ? KvPerLayer.Max() : Heads;
        if (KvHeads < 0 || KvHeads > 4096 || KvPerLayer.Any(heads => heads < 0))
        {
            Fault ??= "attention.head_count_kv";
            KvPerLayer = [];
            KvHeads = 0;
        }

        MaxContextTokens = Bounded("context_length", 0, 1 << 30) is var context && context > 0 ? context : null;
        var expert = Bounded("expert_feed_forward_length", 0) * Bounded("expert_used_count", 0, 65536);
        var feed = metadata.Numbers(_prefix + "feed_forward_length") is { Length: > 1 } widths
            ? Math.Clamp(widths.Max(), 0, MaxDimension)
            : Bounded("feed_forward_length", 4 * Math.Clamp(Hidden, 0, 1 << 20));
        ActiveIntermediate = Math.Max(feed, expert);
        var isSized = Layers is >= 1 and <= 1024 && Hidden is >= 1 and <= 1 << 20;
        Caches = IsEncoder || !isSized || Fault is not null ? [] : ReadCaches();
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

    public ImmutableArray<CacheGroup> Caches { get; }

    private long[] KvPerLayer { get; }

    private ImmutableArray<CacheGroup> ReadCaches()
    {
        var caches = ImmutableArray.CreateBuilder<CacheGroup>();
        var heads = KvHeadsOfLayers();
        var attending = heads.Count(count => count > 0);
        if (IsLatent())
        {
            var rope = Bounded("rope.dimension_count", 64);
            caches.Add(
                new(CacheKind.Latent, attending, 1, (int)(Bounded("attention.kv_lora_rank", 0) + rope), 0, 0, 0)
            );
        }
        else
        {
            AddAttention(caches, heads);
        }

        AddStates(caches, heads);
        return caches.DrainToImmutable();
    }

    /// <summary>KV heads of each layer; 0 where a layer keeps none.</summary>
    private long[] KvHeadsOfLayers()
    {
        var heads = new long[Layers];
        Array.Fill(heads, KvHeads);
        if (KvPerLayer.Length == Layers)
        {
            KvPerLayer.CopyTo(heads, 0);
        }

        // llama.cpp's default for these architectures.
        var isDelta = _prefix is "qwen3next." or "qwen35." or "qwen35moe.";
        var interval = Bounded("full_attention_interval", isDelta ? 4 : 1, 4096);
        for (var i = 0; i < heads.Length && interval > 1; i++)
        {
            heads[i] = (i + 1) % interval == 0 ? heads[i] : 0;
        }

        // The last layers of Gemma 3n and 4 read the caches of earlier ones.
        var shared = Math.Min(Layers, Bounded("attention.shared_kv_layers", 0, 4096));
        Array.Clear(heads, (int)(Layers - shared), (int)shared);
        // A recurrent architecture without a list attends nowhere.
        if (
            KvPerLayer.Length == 0
            && _prefix is "mamba." or "mamba2." or "rwkv6." or "rwkv6qwen2." or "rwkv7." or "arwkv7."
        )
        {
            Array.Clear(heads);
        }

        return heads;
    }

    /// <summary>
    /// DeepSeek files of early 2025 lack the key length of the latent form: llama.cpp then caches whole heads.
    /// </summary>
    private bool IsLatent() =>
        Bounded("attention.kv_lora_rank", 0) > 0 && _metadata.Number(_prefix + "attention.key_length_mla") is not null;

    private void AddAttention(ImmutableArray<CacheGroup>.Builder caches, long[] heads)
    {
        var own = Hidden / Math.Max(1, Heads);
        var key = (int)Bounded("attention.key_length", own, 1 << 16);
        var value = (int)Bounded("attention.value_length", own, 1 << 16);
        var slidingKey = (int)Bounded("attention.key_length_swa", key, 1 << 16);
        var slidingValue = (int)Bounded("attention.value_length_swa", value, 1 << 16);
        var window = Bounded("attention.sliding_window", GgufWindows.DefaultWindow(_prefix, Layers), 1 << 30);
        var slides = GgufWindows.Of(
            _prefix,
            Layers,
            window,
            _metadata.Numbers(_prefix + "attention.sliding_window_pattern")
        );
        var groups = Enumerable
            .Range(0, heads.Length)
            .Where(i => heads[i] > 0)
            .GroupBy(i => (Slides: slides[i], Heads: heads[i]))
            .OrderBy(group => group.Key.Slides);
        foreach (var group in groups)
        {
            caches.Add(
                group.Key.Slides
                    ? new(
                        CacheKind.SlidingWindow,
                        group.Count(),
                        (int)group.Key.Heads,
                        slidingKey,
                        slidingValue,
                        window,
                        0
                    )
                    : new(CacheKind.FullAttention, group.Count(), (int)group.Key.Heads, key, value, 0, 0)
            );
        }
    }

    private void AddStates(ImmutableArray<CacheGroup>.Builder caches, long[] heads)
    {
        var feeds = _metadata.Numbers(_prefix + "feed_forward_length");
        // Falcon-H1 keeps a state beside the attention of each layer; Nemotron-H has layers with neither.
        long layers =
            _prefix is "falcon-h1." ? Layers
            : feeds.Length == Layers && _prefix is "nemotron_h." or "nemotron_h_moe."
                ? heads.Where((count, i) => count == 0 && feeds[i] == 0).Count()
            : heads.Count(count => count == 0);
        var bytes = StateBytes();
        if (layers > 0 && bytes > 0)
        {
            caches.Add(new(CacheKind.State, (int)layers, 0, 0, 0, 0, bytes));
        }
    }

    /// <summary>State of one layer, bytes: llama.cpp keeps all of it in 32 bits.</summary>
    private long StateBytes()
    {
        var inner = Bounded("ssm.inner_size", 0);
        var states = Bounded("ssm.state_size", 0, 1 << 16);
        if (inner > 0 && states > 0)
        {
            var kernel = Bounded("ssm.conv_kernel", 4, 64);
            var groups = Bounded("ssm.group_count", 0, 1 << 16);
            return 4 * ((Math.Max(0, kernel - 1) * (inner + (2 * groups * states))) + (inner * states));
        }

        if (Bounded("shortconv.l_cache", 0, 64) is var convolution && convolution > 1)
        {
            return 4 * (convolution - 1) * Hidden;
        }

        return Bounded("wkv.head_size", 0, 1 << 16) is var head && head > 0
            ? 4 * Hidden * (head + Bounded("token_shift_count", 2, 64))
            : 0;
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
