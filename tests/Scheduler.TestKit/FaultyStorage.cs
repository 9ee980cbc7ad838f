using Orleans.Storage;

namespace Scheduler.TestKit;

/// <summary>A grain storage whose writes fail as <see cref="StorageFaults"/> says, before or after they took effect.</summary>
/// <param name="inner">The real one.</param>
/// <param name="faults">Which fail.</param>
public sealed class FaultyStorage(IGrainStorage inner, StorageFaults faults) : IGrainStorage
{
    /// <inheritdoc/>
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ReadStateAsync(stateName, grainId, grainState);

    /// <inheritdoc/>
    public Task ReadStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => inner.ReadStateAsync(stateName, grainId, grainState, cancellationToken);

    /// <inheritdoc/>
    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    /// <inheritdoc/>
    public async Task WriteStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    )
    {
        var fault = faults.Count(stateName);
        if (fault == FaultMoment.Before)
        {
            throw new IOException($"The write of {stateName} {grainId.Key} was lost on the way.");
        }

        await inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken);
        if (fault == FaultMoment.After)
        {
            throw new IOException($"The answer to the write of {stateName} {grainId.Key} was lost.");
        }
    }

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ClearStateAsync(stateName, grainId, grainState);

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => inner.ClearStateAsync(stateName, grainId, grainState, cancellationToken);
}
