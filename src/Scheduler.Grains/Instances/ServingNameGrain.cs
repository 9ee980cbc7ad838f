using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>Owns one serving name. A holder that never came to exist, or was deleted, loses it to the next who asks.</summary>
[GrainType("servingname")]
internal sealed class ServingNameGrain(
    [PersistentState("name", GrainStorageNames.Database)] IPersistentState<NameRecord> state,
    TimeProvider clock
) : Grain, IServingNameGrain
{
    /// <summary>How long a create may take between claiming its name and being recorded.</summary>
    private static readonly TimeSpan ClaimGrace = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public async Task<InstanceId> ClaimAsync(InstanceId instance)
    {
        if (state.State.Holder is { } holder && holder != instance && await StillHoldsAsync(holder))
        {
            return holder;
        }

        if (state.State.Holder != instance)
        {
            await WriteAsync(new NameRecord { Holder = instance, ClaimedAt = clock.Now() });
        }

        return instance;
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(InstanceId instance)
    {
        if (state.State.Holder == instance)
        {
            await WriteAsync(new NameRecord());
        }
    }

    /// <inheritdoc/>
    public Task<InstanceId?> HolderAsync() => Task.FromResult(state.State.Holder);

    private async Task<bool> StillHoldsAsync(InstanceId holder) =>
        clock.Now() - state.State.ClaimedAt < ClaimGrace
        || await GrainFactory.GetGrain<IInstanceInbox>(holder.Value).HoldsNameAsync();

    private async Task WriteAsync(NameRecord next)
    {
        var before = state.State;
        state.State = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            state.State = before;
            DeactivateOnIdle();
            throw;
        }
    }
}
