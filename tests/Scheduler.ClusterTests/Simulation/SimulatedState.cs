using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>The state of one activation, of whatever type.</summary>
internal abstract class SimulatedState
{
    /// <summary>Reads it.</summary>
    public abstract Task ReadStateAsync();
}

/// <summary>A grain's persistent state on the simulated store.</summary>
internal sealed class SimulatedState<T>(SimulatedStore store, SimulatedActivation activation, string kind)
    : SimulatedState,
        IPersistentState<T>
    where T : class, IStoredState, new()
{
    private long _version;

    /// <inheritdoc/>
    public T State { get; set; } = new();

    /// <inheritdoc/>
    public string Etag => $"{_version}";

    /// <inheritdoc/>
    public bool RecordExists => _version > 0;

    /// <inheritdoc/>
    public override async Task ReadStateAsync()
    {
        var (state, version) = await store.ReadAsync(kind, activation.GrainId.Key.ToString()!);
        (State, _version) = ((T?)state ?? new T(), version);
    }

    /// <inheritdoc/>
    public async Task WriteStateAsync() =>
        _version = await store.WriteAsync(activation, kind, activation.GrainId.Key.ToString()!, _version, State);

    /// <inheritdoc/>
    public Task WriteStateAsync(CancellationToken cancellationToken) => WriteStateAsync();

    /// <inheritdoc/>
    public Task ClearStateAsync() => throw new NotSupportedException("No grain clears its state.");
}
