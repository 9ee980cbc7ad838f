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
    private readonly Recorded<NameRecord> _name = new(state);

    /// <summary>How long a create may take between claiming its name and being recorded.</summary>
    private static readonly TimeSpan ClaimGrace = TimeSpan.FromSeconds(60);

    /// <inheritdoc/>
    public async Task<InstanceId> ClaimAsync(InstanceId instance)
    {
        if (_name.Value.Holder is { } holder && holder != instance && await StillHoldsAsync(holder))
        {
            return holder;
        }

        if (_name.Value.Holder != instance)
        {
            await _name.WriteAsync(new NameRecord { Holder = instance, ClaimedAt = clock.Now() }, this);
        }

        return instance;
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(InstanceId instance)
    {
        if (_name.Value.Holder == instance)
        {
            await _name.WriteAsync(new NameRecord(), this);
        }
    }

    /// <inheritdoc/>
    public Task<InstanceId?> HolderAsync() => Task.FromResult(_name.Value.Holder);

    private async Task<bool> StillHoldsAsync(InstanceId holder) =>
        clock.Now() - _name.Value.ClaimedAt < ClaimGrace
        || await GrainFactory.GetGrain<IInstanceInbox>(holder.Value).HoldsNameAsync();
}
