using System.Collections.Immutable;

namespace Scheduler.Domain.Compatibility;

/// <summary>What one GPU of a launch needs, line by line, against what it has.</summary>
/// <param name="Lines">Weights, KV cache, activations, runtime overhead, slack.</param>
/// <param name="TensorParallel">GPUs the model is split over.</param>
[GenerateSerializer, Immutable, Alias("scheduler.VramBudget")]
public sealed record VramBudget([property: Id(0)] ImmutableArray<VramLine> Lines, [property: Id(1)] int TensorParallel)
{
    /// <summary>Sum of the lines' lower edges, bytes: below this the launch cannot work.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long LowBytes => Lines.Sum(line => line.LowBytes);

    /// <summary>Sum of what each line most likely takes, bytes.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long ExpectedBytes => Lines.Sum(line => line.ExpectedBytes);

    /// <summary>Sum of the lines' upper edges, bytes: from here on the launch is safe.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long HighBytes => Lines.Sum(line => line.HighBytes);
}

/// <summary>One purpose VRAM is used for.</summary>
/// <param name="Purpose">What for.</param>
/// <param name="LowBytes">The least it takes, bytes per GPU.</param>
/// <param name="ExpectedBytes">What it most likely takes, bytes per GPU.</param>
/// <param name="HighBytes">The most it takes, bytes per GPU.</param>
[GenerateSerializer, Immutable, Alias("scheduler.VramLine")]
public sealed record VramLine(
    [property: Id(0)] VramPurpose Purpose,
    [property: Id(1)] long LowBytes,
    [property: Id(2)] long ExpectedBytes,
    [property: Id(3)] long HighBytes
);

/// <summary>What VRAM is used for. Stored by name.</summary>
public enum VramPurpose
{
    /// <summary>The model's weights.</summary>
    Weights = 1,

    /// <summary>Keys, values and states of the sequences.</summary>
    KvCache = 2,

    /// <summary>Intermediate results of the largest batch.</summary>
    Activations = 3,

    /// <summary>CUDA context, libraries, communication buffers, captured graphs.</summary>
    RuntimeOverhead = 4,

    /// <summary>Fragmentation, and what differs from version to version.</summary>
    Slack = 5,
}
