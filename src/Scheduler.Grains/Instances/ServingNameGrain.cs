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

    /// <inheritdoc/>
    public async Task ReleaseAsync(NameHolder asker)
    {
        if (_name.Value.Holder == asker)
        {
            await _name.WriteAsync(new NameRecord(), this);
        }
    }

    /// <inheritdoc/>
    public Task<NameHolder?> HolderAsync()
    {
        if (_name.Value.Holder is null)
        {
            // Whoever guesses names must not fill the memory.
            DeactivateOnIdle();
        }

        return Task.FromResult(_name.Value.Holder);
    }

    private async Task<bool> StillHoldsAsync(NameHolder holder) =>
        clock.Now() - _name.Value.ClaimedAt < ClaimGrace
        || await GrainFactory.GetGrain<INamed>(GrainId.Create(KindOf(holder), holder.Value)).HoldsNameAsync();

    /// <summary>The grain type of a holder.</summary>
    private static string KindOf(NameHolder holder) => holder.IsBalancer ? "balancer" : "instance";
}
