using System.Collections.Immutable;
using Orleans.Storage;
using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// The store: rows with an etag each. A write updates the projected rows in the same moment or not at all. Writes fail
/// before or after their effect, or take time. A write of a killed silo may or may not take effect.
/// </summary>
/// <param name="oracle">Checks every write.</param>
internal sealed partial class SimulatedStore(SimulatedWorld world, SimulationOracle oracle)
{
    private readonly Dictionary<(string Kind, string Id), Row> _rows = [];

    /// <summary>Every stored state of a type.</summary>
    public IEnumerable<T> All<T>() => _rows.Values.Select(row => row.State).OfType<T>();

    /// <summary>(null, 0) for a missing state.</summary>
    public Task<(object? State, long Version)> ReadAsync(string kind, string id) =>
        ReadAsync(() => _rows.TryGetValue((kind, id), out var row) ? (row.State, row.Version) : ((object?)null, 0L));

    /// <summary>Writes a grain's state if it was not changed since it was read.</summary>
    /// <returns>The new version.</returns>
    public Task<long> WriteAsync(
        SimulatedActivation activation,
        string kind,
        string id,
        long version,
        IStoredState state
    )
    {
        var fails = world.Happens(world.FaultRates.WriteFailsBefore);
        var isUnanswered = world.Happens(world.FaultRates.WriteFailsAfter);
        var takes = world.Happens(world.FaultRates.WriteIsSlow) ? world.Between(0.5, 12) : world.Between(0, 0.01);
        return WriteInTwoStepsAsync(
            takes,
            () =>
            {
                var isDead = !activation.Silo.IsRunning;
                if (fails || (isDead && world.Happens(0.5)))
                {
                    world.Record($"write {kind} {id} by {activation} failed");
                    throw new IOException($"The write of {kind} {id} was lost on the way.");
                }

                var written = Write(activation, kind, id, version, state);
                if (isUnanswered)
                {
                    world.Record($"write {kind} {id} took effect, but its answer is lost");
                    throw new IOException($"The answer to the write of {kind} {id} was lost.");
                }

                return written;
            }
        );
    }

    private async Task<long> WriteInTwoStepsAsync(TimeSpan takes, Func<long> effect)
    {
        Exception? failure = null;
        var written = await world.LaterAsync(
            takes,
            () =>
            {
                try
                {
                    return effect();
                }
                catch (Exception exception)
                {
                    failure = exception;
                    return 0;
                }
            }
        );
        // The write takes effect some time before its caller receives the answer.
        await world.LaterAsync(takes, () => 0);
        return failure is null ? written : throw failure;
    }

    private long Write(SimulatedActivation activation, string kind, string id, long version, IStoredState state)
    {
        var row = _rows.GetValueOrDefault((kind, id));
        if ((row?.Version ?? 0) != version)
        {
            world.Record($"write {kind} {id} by {activation} is fenced off");
            throw new InconsistentStateException(
                $"{kind} {id} was written by another.",
                $"{row?.Version}",
                $"{version}"
            );
        }

        var next = new Row(state, version + 1, state.WakeAt);
        Project(kind, id, state);
        _rows[(kind, id)] = next;
        world.Record($"write {kind} {id} v{next.Version} by {activation}: {SimulationOracle.Sum(state)}");
        oracle.Wrote(id, row?.State, state, this);
        return next.Version;
    }

    private async Task<T> ReadAsync<T>(Func<T> what)
    {
        var fails = world.Happens(world.FaultRates.ReadFails);
        return await world.LaterAsync(
            world.Between(0, 0.01),
            () => fails ? throw new IOException("The store could not be read.") : what()
        );
    }

    private sealed record Row(IStoredState State, long Version, DateTimeOffset? WakeAt);
}
