namespace Scheduler.ModelFit;

/// <summary>What an engine reported about its memory when it began to serve, per GPU. Unknown figures are null.</summary>
/// <param name="EngineVersion">As the engine prints it; empty when it prints none.</param>
/// <param name="WeightBytes">Weights that it loaded.</param>
/// <param name="CacheBytes">Cache that it allocated, or memory that it left for the cache.</param>
/// <param name="CacheTokens">Tokens that the cache holds.</param>
/// <param name="ComputeBytes">Buffers for intermediate results; engines of the llama.cpp kind print them.</param>
[GenerateSerializer, Immutable, Alias("scheduler.StartFigures")]
public sealed record StartFigures(
    [property: Id(0)] string EngineVersion,
    [property: Id(1)] long? WeightBytes = null,
    [property: Id(2)] long? CacheBytes = null,
    [property: Id(3)] long? CacheTokens = null,
    [property: Id(4)] long? ComputeBytes = null
)
{
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsEmpty => (WeightBytes, CacheBytes, CacheTokens, ComputeBytes) is (null, null, null, null);

    /// <summary>Whether each figure can be true on a GPU: a line may have been misread, or written by someone else.</summary>
    internal bool IsPlausibleOn(GpuType gpu) =>
        WeightBytes is null or > 0
        && CacheBytes is null or >= 0
        && CacheTokens is null or (> 0 and <= 1L << 40)
        && ComputeBytes is null or >= 0
        && WeightBytes is not > MaxPart
        && CacheBytes is not > MaxPart
        && ComputeBytes is not > MaxPart
        && (WeightBytes ?? 0) + (CacheBytes ?? 0) + (ComputeBytes ?? 0) <= gpu.VramBytes;

    private const long MaxPart = 1L << 50;
}
