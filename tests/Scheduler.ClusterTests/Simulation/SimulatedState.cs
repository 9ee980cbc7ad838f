using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Simulation;

internal abstract class SimulatedState
{
    public abstract Task ReadStateAsync();
}

/// <summary>A grain's persistent state in the simulated store.</summary>
internal sealed class SimulatedState<T>(SimulatedStore store, SimulatedActivation activation, string kind)
    : SimulatedState,
        IPersistentState<T>
    where T : class, IStoredState, new()
{
    private long _version;

    public T State { get; set; } = new();

    public string Etag => $"{_version}";

    public bool RecordExists => _version > 0;

    public override async Task ReadStateAsync()
    {
        var (state, version) = await store.ReadAsync(kind, activation.GrainId.Key.ToString()!);
        (State, _version) = ((T?)state ?? new T(), version);
    }

    public async Task WriteStateAsync() =>
        _version = await store.WriteAsync(activation, kind, activation.GrainId.Key.ToString()!, _version, State);

    public Task WriteStateAsync(CancellationToken cancellationToken) => WriteStateAsync();

    public Task ClearStateAsync() => throw new NotSupportedException("No grain clears its state.");
}
