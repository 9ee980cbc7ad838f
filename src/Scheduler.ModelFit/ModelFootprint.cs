using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Scheduler.ModelFit;

/// <summary>
/// Weight bytes on one GPU by format and GPU count, computed once per model, so that judging one more GPU costs
/// nanoseconds. Cached for the lifetime of the <see cref="ModelFacts"/> object; equal facts give equal numbers.
/// </summary>
internal sealed class ModelFootprint
{
    /// <summary>Largest supported GPU count; a model cannot be split over more.</summary>
    public const int MaxGpus = 32;

    private const int Formats = (int)WeightFormat.Gguf + 1;

    private static readonly ConditionalWeakTable<ModelFacts, ModelFootprint> Known = [];

    private readonly WeightBytes?[] _weights = new WeightBytes?[Formats * (MaxGpus + 1) * 2];

    private ModelFootprint(ModelFacts model)
    {
        Model = model;
        Caches = [.. model.Caches];
        IsSparse = Caches.Any(static cache => cache.Kind == CacheKind.Indexer);
    }

    public ModelFacts Model { get; }

    /// <summary>A plain array, because the most frequent loop iterates over it.</summary>
    public CacheGroup[] Caches { get; }

    /// <summary>Whether the model has a sparse-attention indexer besides the latent cache.</summary>
    public bool IsSparse { get; }

    public static ModelFootprint Of(ModelFacts model) => Known.GetValue(model, facts => new ModelFootprint(facts));

    /// <param name="format">Requested weight format; null for the published one, whose blocks must stay whole.</param>
    public bool CanSplit(int gpus, EngineProfile engine, WeightFormat? format)
    {
        if (gpus < 1 || gpus > engine.MostGpus)
        {
            return false;
        }

        // Whole layers: each GPU needs at least one. Split layers: the count must divide the attention heads, and KV
        // heads must be divisible by it or repeated.
        return gpus == 1
            || (
                engine.SplitsLayers
                    ? gpus <= Model.Layers
                    : Model.AttentionHeads % gpus == 0
                        && ((format is not null && format != Model.NativeFormat) || AllowsBlocks(gpus))
                        && (Model.KvHeads == 0 || Model.KvHeads % gpus == 0 || gpus % Model.KvHeads == 0)
            );
    }

    private bool AllowsBlocks(int gpus)
    {
        foreach (var split in Model.Splits)
        {
            if (!split.Allows(gpus))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Weight bytes on the GPU with the largest share of <paramref name="gpus"/> GPUs.</summary>
    public WeightBytes Weights(WeightFormat? format, int gpus, EngineProfile engine)
    {
        var index =
            ((((format is { } wished ? (int)wished : 0) * (MaxGpus + 1)) + gpus) * 2) + (engine.SplitsLayers ? 1 : 0);
        // Two threads may compute the same entry: the results are equal, and a reference write is atomic.
        return _weights[index] ??= engine.SplitsLayers ? ByLayer(format, gpus) : ByPart(format, gpus);
    }

    private WeightBytes ByPart(WeightFormat? format, int gpus)
    {
        long low = 0;
        long expected = 0;
        long high = 0;
        foreach (var group in Model.Weights)
        {
            if (group.Role == WeightRole.NextTokenPrediction)
            {
                continue;
            }

            var ways = Ways(group.Role, gpus);
            var bytes = Divide.Up(group.BytesIn(format), ways);
            var (likely, most) = Padded(group, format, bytes, ways);
            low = checked(low + bytes);
            expected = checked(expected + likely);
            high = checked(high + most);
        }

        // Logs show 0.21 % above the sum (allocation in whole pages); 0.5 % is the highest seen with unpadded formats.
        return Doubtful(low, expected, high + (high / 200));
    }

    private WeightBytes ByLayer(WeightFormat? format, int gpus)
    {
        long layered = 0;
        long once = 0;
        foreach (var group in Model.Weights)
        {
            var bytes = group.Role == WeightRole.NextTokenPrediction ? 0 : group.BytesIn(format);
            var isOnce =
                group.Role is WeightRole.Embedding or WeightRole.LmHead or WeightRole.Vision or WeightRole.Position;
            layered = checked(layered + (isOnce ? 0 : bytes));
            once = checked(once + (isOnce ? bytes : 0));
        }

        var share = (long)((Int128)layered * Divide.Up(Model.Layers, gpus) / Math.Max(1, Model.Layers));
        var sum = checked(share + once);
        return Doubtful(sum, sum, sum + (sum / 200));
    }

    private WeightBytes Doubtful(long low, long expected, long high) =>
        new(
            (long)((Int128)low * Model.WeightsLowPerMille / 1000),
            expected,
            (long)Int128.Min(Divide.MaxBytes, (Int128)high * Model.WeightsHighPerMille / 1000)
        );

    private int Ways(WeightRole role, int gpus) =>
        role switch
        {
            WeightRole.Embedding
            or WeightRole.LmHead
            or WeightRole.Attention
            or WeightRole.DenseMlp
            or WeightRole.SharedExpert
            or WeightRole.RoutedExpert
            or WeightRole.StateSpace => gpus,
            // At least one KV head stays whole on each GPU.
            WeightRole.KeyValue => Math.Min(gpus, Math.Max(1, Model.KvHeads)),
            WeightRole.LatentDown
            or WeightRole.Router
            or WeightRole.Norm
            or WeightRole.Vision
            or WeightRole.Position
            or WeightRole.NextTokenPrediction => 1,
            _ => throw new UnreachableException(),
        };

    /// <summary>
    /// MXFP4 kernels pad an expert's matrices. Triton pads the input features to 256 (vllm#33155: 64.38 GiB for
    /// gpt-oss-120b). Marlin also pads the output features to 128 (vllm#23278: 65.97 GiB).
    /// </summary>
    private static (long Likely, long Most) Padded(WeightGroup group, WeightFormat? format, long bytes, int ways)
    {
        if (group.Role != WeightRole.RoutedExpert || (format ?? group.Stored.Format) != WeightFormat.MxFp4)
        {
            return (bytes, bytes);
        }

        var columns = Divide.Up(group.Columns, 256) * 256;
        var rows = Divide.Up(group.Rows, 128) * 128;
        var values = Divide.Up(checked((columns - group.Columns) * group.Rows * group.Copies) / 2, ways);
        var both = Divide.Up(
            checked(WeightScheme.Customary(WeightFormat.MxFp4).Bytes(rows, columns) * group.Copies),
            ways
        );
        return (bytes + values, Math.Max(bytes, both));
    }

    internal sealed record WeightBytes(long Low, long Expected, long High);
}
