using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>Manages one serving name. A holder that was never created, or was deleted, loses it to the next claim.</summary>
[GrainType("servingname")]
internal sealed class ServingNameGrain(
    [PersistentState("name", GrainStorageNames.Database)] IPersistentState<NameRecord> state,
    TimeProvider clock
) : Grain, IServingNameGrain
{
    private readonly Recorded<NameRecord> _name = new(state);

    /// <summary>The longest time between the claim of a name and the record of the create.</summary>
    private static readonly TimeSpan ClaimGrace = TimeSpan.FromSeconds(60);

    public async Task<NameHolder> ClaimAsync(NameHolder asker)
    {
        if (_name.Value.Holder is { } holder && holder != asker && await StillHoldsAsync(holder))
        {
            return holder;
        }

        if (_name.Value.Holder != asker)
        {
            await _name.WriteAsync(new NameRecord { Holder = asker, ClaimedAt = clock.Now() }, this);
        }

        return asker;
    }

    public async Task ReleaseAsync(NameHolder asker)
    {
        if (_name.Value.Holder == asker)
        {
            await _name.WriteAsync(new NameRecord(), this);
        }
    }

    public Task<NameHolder?> HolderAsync()
    {
        if (_name.Value.Holder is null)
        {
            // Requests for unknown names must not accumulate activations.
            DeactivateOnIdle();
        }

        return Task.FromResult(_name.Value.Holder);
    }

    private async Task<bool> StillHoldsAsync(NameHolder holder) =>
        clock.Now() - _name.Value.ClaimedAt < ClaimGrace
        || await GrainFactory.GetGrain<INamed>(GrainId.Create(KindOf(holder), holder.Value)).HoldsNameAsync();

    private static string KindOf(NameHolder holder) =>
        holder.IsBalancer ? "balancer"
        : holder.IsService ? "service"
        : "instance";
}
