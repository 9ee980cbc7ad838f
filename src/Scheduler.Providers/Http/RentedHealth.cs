using System.Collections.Concurrent;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>
/// Derives the status of an allocation from what the vendor says and from probes. A vendor's "running" means a container or a machine,
/// never a runtime that answers.
/// </summary>
/// <remarks>
/// A runtime counts as exited only on evidence: the vendor says so, or the container was started again by itself, or the vendor's
/// log says why it cannot start. Without evidence a runtime that does not answer is booting or unhealthy.
/// </remarks>
internal sealed class RentedHealth(IRental rental, IAllocationJournal journal, RuntimeProbe probe, TimeProvider clock)
{
    /// <summary>
    /// Starts of a container that was never healthy after which its runtime counts as exited. Vendors repeat a first start that
    /// failed for their own reasons.
    /// </summary>
    internal const int StartsUntilExited = 3;

    /// <summary>Uptimes are whole seconds, and are some seconds old.</summary>
    private static readonly TimeSpan UptimeSlack = TimeSpan.FromSeconds(15);

    /// <summary>How long a boot may take before the vendor's log is searched for a fault, and the time between two searches.</summary>
    private static readonly TimeSpan LookAfter = TimeSpan.FromMinutes(1);

    private const int WriteAttempts = 3;

    private readonly ConcurrentDictionary<string, Starts> _starts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _lookedAt = new(StringComparer.Ordinal);

    private sealed record Starts(DateTimeOffset LastAt, int Count);

    /// <param name="entry">Null when the journal does not know it; then it cannot be probed.</param>
    internal async Task<Allocation> ObserveAsync(
        Rented rented,
        AllocationEntry? entry,
        CancellationToken cancellationToken
    )
    {
        var notes = entry is null ? null : RentalNotes.Read(entry.Notes);
        if (notes?.Exit is { } noted)
        {
            return Show(rented, entry, notes, AllocationStatus.Exited) with { Exit = noted.ToExit() };
        }

        if (rented.State == RentedState.Ended)
        {
            return await EndedAsync(rented, entry, notes, rented.Words, cancellationToken);
        }

        if (StartedAgain(rented, notes) is { } again)
        {
            return await EndedAsync(rented, entry, notes, again, cancellationToken);
        }

        var status = rented.State switch
        {
            RentedState.Coming => AllocationStatus.Booting,
            RentedState.Running => await ProbeAsync(rented, entry, notes, cancellationToken),
            RentedState.TakenBack => AllocationStatus.Preempted,
            RentedState.Silent => AllocationStatus.Unhealthy,
            RentedState.Ending => entry?.Phase == AllocationPhase.Held
                ? AllocationStatus.Preempted
                : AllocationStatus.Unhealthy,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (status == AllocationStatus.Booting && await FindFaultAsync(rented, notes, cancellationToken) is { } fault)
        {
            return await NoteExitAsync(rented, entry, notes, fault, cancellationToken);
        }

        return Show(rented, entry, notes, status);
    }

    internal void Forget(string vendorId)
    {
        _starts.TryRemove(vendorId, out _);
        _lookedAt.TryRemove(vendorId, out _);
        probe.Forget(vendorId);
    }

    private async Task<AllocationStatus> ProbeAsync(
        Rented rented,
        AllocationEntry? entry,
        RentalNotes? notes,
        CancellationToken cancellationToken
    )
    {
        if (notes is null || rented.Endpoint is not { } endpoint)
        {
            return notes?.ReadyAt is null ? AllocationStatus.Booting : AllocationStatus.Unhealthy;
        }

        var address = new Uri(endpoint, notes.HealthPath.TrimStart('/'));
        var health = await probe.CheckAsync(rented.Id, address, key: null, cancellationToken);
        if (health == RuntimeHealth.Healthy)
        {
            if (notes.ReadyAt is null)
            {
                await NoteAsync(entry!, known => known with { ReadyAt = clock.GetUtcNow() }, cancellationToken);
            }

            return AllocationStatus.Ready;
        }

        return notes.ReadyAt is null ? AllocationStatus.Booting
            : health == RuntimeHealth.Unhealthy ? AllocationStatus.Unhealthy
            : AllocationStatus.Ready;
    }

    /// <summary>The words for a container that ended and was started again; null without evidence.</summary>
    private string? StartedAgain(Rented rented, RentalNotes? notes)
    {
        if (rented.Uptime is not { } uptime)
        {
            return null;
        }

        var startedAt = rented.SeenAt - uptime;
        var starts = _starts.AddOrUpdate(
            rented.Id,
            _ => new Starts(startedAt, 1),
            (_, before) => startedAt > before.LastAt + UptimeSlack ? new Starts(startedAt, before.Count + 1) : before
        );
        if (notes?.ReadyAt is { } readyAt && startedAt > readyAt + UptimeSlack)
        {
            return "the container ended and was started again, seen by its uptime";
        }

        return starts.Count >= StartsUntilExited
            ? $"the container ended and was started again {starts.Count - 1} times, seen by its uptime"
            : null;
    }

    private async Task<RuntimeExit?> FindFaultAsync(
        Rented rented,
        RentalNotes? notes,
        CancellationToken cancellationToken
    )
    {
        var now = clock.GetUtcNow();
        if (notes is not { MadeAt: { } madeAt, ReadyAt: null } || now - madeAt < LookAfter)
        {
            return null;
        }

        if (_lookedAt.TryGetValue(rented.Id, out var lookedAt) && now - lookedAt < LookAfter)
        {
            return null;
        }

        _lookedAt[rented.Id] = now;
        return await rental.FindBootFaultAsync(rented, cancellationToken);
    }

    private async Task<Allocation> EndedAsync(
        Rented rented,
        AllocationEntry? entry,
        RentalNotes? notes,
        string? reason,
        CancellationToken cancellationToken
    )
    {
        var output = await rental.ReadOutputAsync(rented, cancellationToken);
        var exit = new RuntimeExit { ProviderReason = reason, OutputTail = output };
        return await NoteExitAsync(rented, entry, notes, exit, cancellationToken);
    }

    private async Task<Allocation> NoteExitAsync(
        Rented rented,
        AllocationEntry? entry,
        RentalNotes? notes,
        RuntimeExit exit,
        CancellationToken cancellationToken
    )
    {
        var noted = NotedExit.Of(exit);
        if (entry is not null)
        {
            // The first evidence stays: what the vendor says later is about what came after it.
            var stored = await NoteAsync(entry, known => known with { Exit = known.Exit ?? noted }, cancellationToken);
            noted = stored?.Exit ?? noted;
        }

        return Show(rented, entry, notes, AllocationStatus.Exited) with
        {
            Exit = noted.ToExit(),
        };
    }

    /// <summary>Changes the stored notes. Another change at the same time is kept.</summary>
    /// <returns>The notes as stored; null when the entry may not change any more.</returns>
    private async Task<RentalNotes?> NoteAsync(
        AllocationEntry entry,
        Func<RentalNotes, RentalNotes> change,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 0; attempt < WriteAttempts; attempt++)
        {
            var latest = await journal.FindAsync(entry.Provider, entry.Key, cancellationToken);
            if (latest?.Phase is not AllocationPhase.Held)
            {
                return null;
            }

            var notes = change(RentalNotes.Read(latest.Notes));
            if (await journal.TryWriteAsync(latest with { Notes = notes.Write() }, cancellationToken))
            {
                return notes;
            }
        }

        return null;
    }

    private static Allocation Show(
        Rented rented,
        AllocationEntry? entry,
        RentalNotes? notes,
        AllocationStatus status
    ) =>
        new()
        {
            Key = rented.Mark.Key,
            Tag = entry?.Tag ?? rented.Mark.Tag,
            ProviderAllocationId = rented.Id,
            Status = status,
            // Without a time from the vendor and without a journal entry, the allocation counts as old.
            CreatedAt = notes?.MadeAt ?? rented.CreatedAt ?? DateTimeOffset.UnixEpoch,
            Endpoint = status is AllocationStatus.Ready or AllocationStatus.Unhealthy ? rented.Endpoint : null,
            Tokenizer = notes?.Tokenizer,
        };
}
