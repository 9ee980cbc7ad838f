using Orleans.Storage;

namespace Scheduler.TestKit;

/// <summary>
/// A grain storage whose writes fail as <see cref="StorageFaults"/> defines, before or after they take effect.
/// </summary>
public sealed class FaultyStorage(IGrainStorage inner, StorageFaults faults) : IGrainStorage
{
    /// <summary>Real time: while the test advances the clock, this is longer than most waits of a launch.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(400);

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ReadStateAsync(stateName, grainId, grainState);

    public Task ReadStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => inner.ReadStateAsync(stateName, grainId, grainState, cancellationToken);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    )
    {
        var fault = faults.Count(stateName);
        var step = faults.Take(stateName, grainId.Key.ToString()!);
        if (fault == FaultMoment.Before || step == StepFault.Before)
        {
            throw new IOException($"The write of {stateName} {grainId.Key} was lost on the way.");
        }

        var read = grainState.ETag;
        await inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken);
        if (step == StepFault.Late)
        {
            await Task.Delay(Late, TimeProvider.System, cancellationToken);
        }
        else if (step == StepFault.Twice)
        {
            grainState.ETag = read;
            await inner.WriteStateAsync(stateName, grainId, grainState, cancellationToken);
        }

        if (fault == FaultMoment.After || step == StepFault.After)
        {
            throw new IOException($"The answer to the write of {stateName} {grainId.Key} was lost.");
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        inner.ClearStateAsync(stateName, grainId, grainState);

    public Task ClearStateAsync<T>(
        string stateName,
        GrainId grainId,
        IGrainState<T> grainState,
        CancellationToken cancellationToken
    ) => inner.ClearStateAsync(stateName, grainId, grainState, cancellationToken);
}
