using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>VRAM need of one GPU of a launch, by purpose.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.VramBudget")]
public sealed record VramBudget([property: Id(0)] ImmutableArray<VramLine> Lines, [property: Id(1)] int TensorParallel)
{
    /// <summary>Sum of the lower edges, bytes: with less memory the launch cannot work.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long LowBytes => Lines.Sum(line => line.LowBytes);

    [System.Text.Json.Serialization.JsonIgnore]
    public long ExpectedBytes => Lines.Sum(line => line.ExpectedBytes);

    /// <summary>Sum of the upper edges, bytes: with this much memory the launch is safe.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long HighBytes => Lines.Sum(line => line.HighBytes);
}

[GenerateSerializer, Immutable, Alias("scheduler.VramLine")]
public sealed record VramLine(
    [property: Id(0)] VramPurpose Purpose,
    [property: Id(1)] long LowBytes,
    [property: Id(2)] long ExpectedBytes,
    [property: Id(3)] long HighBytes
);

/// <summary>Use of VRAM. Stored by name.</summary>
public enum VramPurpose
{
    Weights = 1,

    /// <summary>Keys, values and states of the sequences.</summary>
    KvCache = 2,

    /// <summary>Intermediate results of the largest batch.</summary>
    Activations = 3,

    /// <summary>CUDA context, libraries, communication buffers, captured graphs.</summary>
    RuntimeOverhead = 4,

    /// <summary>Fragmentation, and differences between engine versions.</summary>
    Slack = 5,

    /// <summary>What earlier runs needed above the estimate; see <see cref="VramShortfall"/>.</summary>
    Learned = 6,
}
