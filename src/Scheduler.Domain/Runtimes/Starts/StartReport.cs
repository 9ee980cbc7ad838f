using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Starts;

/// <summary>
/// Reads what engines print about their memory when they begin to serve. Each rule has the line of its source. Figures
/// are per GPU: of lines for several GPUs the largest counts, and parts that one GPU reports on several lines are added.
/// </summary>
public static partial class StartReport
{
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    /// <summary>A longer line is no line of these; access logs with prompts reach megabytes.</summary>
    private const int MaxLineChars = 1000;

    /// <summary>vLLM's default block of its cache, tokens; releases before V1 print blocks only.</summary>
    private const long BlockTokens = 16;

    private const int TimeoutMs = 1000;

    /// <summary>In the order of trial; the first that matches a line reads it.</summary>
    private static readonly ImmutableArray<Rule> Rules =
    [
        // vLLM v1/worker/gpu_model_runner.py: "Model loading took 14.9888 GiB memory and 3.2 seconds"; V0: "… weights took 14.9888 GB".
        new(Figure.Weights, VllmWeights()),
        // vLLM v1/worker/gpu_worker.py: "Available KV cache memory: 3.81 GiB"; V0: "the rest of the memory reserved for KV Cache is 3.81GiB".
        new(Figure.Cache, VllmCache()),
        // vLLM v1/core/kv_cache_utils.py: "GPU KV cache size: 31,232 tokens".
        new(Figure.Tokens, VllmTokens()),
        // vLLM V0 worker.py: "# GPU blocks: 1952, # CPU blocks: 2048", "# cuda blocks: 1952, …".
        new(Figure.Blocks, VllmBlocks()),
        // vLLM: "Initializing a V1 LLM engine (v0.11.0) with config", "vLLM API server version 0.11.0".
        new(Figure.Version, VllmVersion()),
        // SGLang model_runner.py: "Load weight end. type=LlamaForCausalLM, dtype=torch.bfloat16, avail mem=7.40 GB, mem usage=14.98 GB."
        new(Figure.Weights, SglangWeights()),
        // SGLang memory_pool.py: "KV Cache is allocated. #tokens: 20480, K size: 1.25 GB, V size: 1.25 GB".
        new(Figure.CachePair, SglangCache()),
        // llama.cpp llama-model.cpp: "load_tensors:        CUDA0 model buffer size =  4403.49 MiB".
        new(Figure.DeviceWeights, LlamaWeights()),
        // llama.cpp llama-kv-cache.cpp: "llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB".
        new(Figure.DeviceCache, LlamaCache()),
        // llama.cpp llama-context.cpp: "llama_context:      CUDA0 compute buffer size =   258.50 MiB".
        new(Figure.DeviceCompute, LlamaCompute()),
        // llama.cpp arg.cpp: "build: 5142 (abc1234) with cc …".
        new(Figure.Version, LlamaVersion()),
        // TensorRT-LLM kvCacheManager.cpp: "Allocated 12.34 GiB for max tokens in paged KV cache (123456)."
        new(Figure.Cache, TensorRtCache()),
        // TGI router: "Setting max batch total tokens to 123456".
        new(Figure.Tokens, TgiTokens()),
    ];

    private enum Figure
    {
        Weights,
        Cache,
        Tokens,
        Blocks,
        CachePair,
        DeviceWeights,
        DeviceCache,
        DeviceCompute,
        Version,
    }

    private sealed record Rule(Figure Figure, Regex Pattern);

    /// <summary>Whether a line is one of those that an excerpt of the output must keep.</summary>
    public static bool IsLine(ReadOnlySpan<char> line)
    {
        if (line.Length > MaxLineChars)
        {
            return false;
        }

        foreach (var rule in Rules)
        {
            if (rule.Pattern.IsMatch(line))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>All figures in an output and, where the output lacks them, in the metrics.</summary>
    /// <param name="metrics">Text of the engine's metrics; empty when it has none.</param>
    /// <returns>Null when nothing is reported.</returns>
    public static StartFigures? Read(string output, string metrics = "")
    {
        var sum = new Sum();
        foreach (var line in output.AsSpan().EnumerateLines())
        {
            if (line.Length <= MaxLineChars)
            {
                ReadLine(line.ToString(), sum);
            }
        }

        foreach (var line in metrics.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(CacheInfo, StringComparison.Ordinal) && line.Length <= 4 * MaxLineChars)
            {
                ReadCacheInfo(line.ToString(), sum);
            }
        }

        var figures = sum.ToFigures();
        return figures.IsEmpty ? null : figures;
    }

    /// <summary>vLLM v1/metrics: the configuration of its cache as labels of a gauge that is always 1.</summary>
    private const string CacheInfo = "vllm:cache_config_info{";

    private static void ReadCacheInfo(string line, Sum sum)
    {
        if (
            sum.Tokens is null
            && Label(line, "num_gpu_blocks") is { } blocks
            && Label(line, "block_size") is { } size
            && blocks <= 1L << 32
            && size <= 1L << 16
        )
        {
            sum.Tokens = blocks * size;
        }
    }

    private static long? Label(string line, string name)
    {
        var start = line.IndexOf($"{name}=\"", StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        start += name.Length + 2;
        var end = line.IndexOf('"', start);
        return
            end > start
            && long.TryParse(
                line.AsSpan(start, end - start),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var value
            )
            ? value
            : null;
    }

    private static void ReadLine(string line, Sum sum)
    {
        foreach (var rule in Rules)
        {
            if (rule.Pattern.Match(line) is { Success: true } match)
            {
                sum.Add(rule.Figure, match);
                return;
            }
        }
    }

    /// <summary>Bytes of a number with its unit. Engines write GB and mean 2^30.</summary>
    private static long? Bytes(Match match, string group)
    {
        var unit = match.Groups["unit"].Value.StartsWith('M') ? 1L << 20 : 1L << 30;
        return
            decimal.TryParse(
                match.Groups[group].ValueSpan,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
            && number < 1_000_000
            ? (long)(number * unit)
            : null;
    }

    private sealed class Sum
    {
        private readonly Dictionary<(Figure, string), long> _ofDevice = [];
        private string _version = "";
        private long? _weights;
        private long? _cache;

        public long? Tokens { get; set; }

        public void Add(Figure figure, Match match)
        {
            switch (figure)
            {
                case Figure.Version:
                    _version = match.Groups["version"].Value;
                    break;
                case Figure.Weights:
                    _weights = Larger(_weights, Bytes(match, "size"));
                    break;
                case Figure.Cache:
                    // The GPU with the least room decides.
                    _cache = Smaller(_cache, Bytes(match, "size"));
                    Tokens = Smaller(Tokens, Count(match, "tokens", 1));
                    break;
                case Figure.CachePair:
                    _cache = Smaller(_cache, Bytes(match, "size") + Bytes(match, "values"));
                    Tokens = Smaller(Tokens, Count(match, "tokens", 1));
                    break;
                case Figure.Tokens:
                    Tokens = Smaller(Tokens, Count(match, "tokens", 1));
                    break;
                case Figure.Blocks:
                    Tokens = Smaller(Tokens, Count(match, "tokens", BlockTokens));
                    break;
                case Figure.DeviceWeights or Figure.DeviceCache or Figure.DeviceCompute:
                    var key = (figure, match.Groups["device"].Value);
                    _ofDevice[key] = _ofDevice.GetValueOrDefault(key) + (Bytes(match, "size") ?? 0);
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }

        public StartFigures ToFigures() =>
            new(
                _version,
                _weights ?? Most(Figure.DeviceWeights),
                _cache ?? Most(Figure.DeviceCache),
                Tokens,
                Most(Figure.DeviceCompute)
            );

        private long? Most(Figure figure) =>
            _ofDevice.Where(part => part.Key.Item1 == figure).Select(part => (long?)part.Value).Max();

        private static long? Count(Match match, string group, long times) =>
            long.TryParse(
                match.Groups[group].ValueSpan,
                NumberStyles.AllowThousands,
                CultureInfo.InvariantCulture,
                out var count
            ) && count is > 0 and <= 1L << 40
                ? count * times
                : null;

        private static long? Larger(long? a, long? b) => a is null || b > a ? b ?? a : a;

        private static long? Smaller(long? a, long? b) => a is null || b < a ? b ?? a : a;
    }

    [GeneratedRegex(
        @"(Model loading|Loading model weights) took (?<size>\d+(\.\d+)?) ?(?<unit>G)i?B",
        Options,
        TimeoutMs
    )]
    private static partial Regex VllmWeights();

    [GeneratedRegex(
        @"(Available KV cache memory:|memory reserved for KV Cache is) ?(?<size>\d+(\.\d+)?) ?(?<unit>G)i?B",
        Options,
        TimeoutMs
    )]
    private static partial Regex VllmCache();

    [GeneratedRegex(@"GPU KV cache size: (?<tokens>[\d,]+) tokens", Options, TimeoutMs)]
    private static partial Regex VllmTokens();

    [GeneratedRegex(@"# (GPU|cuda) blocks: (?<tokens>\d+)", Options, TimeoutMs)]
    private static partial Regex VllmBlocks();

    [GeneratedRegex(@"(LLM engine \(v|vLLM API server version )(?<version>\d+\.\d+[\w.+-]{0,40})", Options, TimeoutMs)]
    private static partial Regex VllmVersion();

    [GeneratedRegex(@"Load weight end\..* mem usage=(?<size>\d+(\.\d+)?) (?<unit>G)B", Options, TimeoutMs)]
    private static partial Regex SglangWeights();

    [GeneratedRegex(
        @"KV Cache is allocated\..*#tokens: (?<tokens>\d+), K size: (?<size>\d+(\.\d+)?) (?<unit>G)B, V size: (?<values>\d+(\.\d+)?) GB",
        Options,
        TimeoutMs
    )]
    private static partial Regex SglangCache();

    [GeneratedRegex(
        @"(?<device>(CUDA|ROCm|Vulkan|SYCL|MTL)\d+) model buffer size = +(?<size>\d+(\.\d+)?) (?<unit>M)iB",
        Options,
        TimeoutMs
    )]
    private static partial Regex LlamaWeights();

    [GeneratedRegex(
        @"(?<device>(CUDA|ROCm|Vulkan|SYCL|MTL)\d+) (KV|RS) buffer size = +(?<size>\d+(\.\d+)?) (?<unit>M)iB",
        Options,
        TimeoutMs
    )]
    private static partial Regex LlamaCache();

    [GeneratedRegex(
        @"(?<device>(CUDA|ROCm|Vulkan|SYCL|MTL)\d+) compute buffer size = +(?<size>\d+(\.\d+)?) (?<unit>M)iB",
        Options,
        TimeoutMs
    )]
    private static partial Regex LlamaCompute();

    [GeneratedRegex(@"^build: (?<version>\d{1,8}) \(", Options, TimeoutMs)]
    private static partial Regex LlamaVersion();

    [GeneratedRegex(
        @"Allocated (?<size>\d+(\.\d+)?) (?<unit>G)iB for max tokens in paged KV cache \((?<tokens>\d+)\)",
        Options,
        TimeoutMs
    )]
    private static partial Regex TensorRtCache();

    [GeneratedRegex(@"Setting max batch total tokens to (?<tokens>\d+)", Options, TimeoutMs)]
    private static partial Regex TgiTokens();
}
