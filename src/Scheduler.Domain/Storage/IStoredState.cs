using System.Collections.Immutable;
using Scheduler.Domain.Events;

namespace Scheduler.Domain.Storage;

/// <summary>
/// What every stored grain state carries besides its own facts. One write of it is the whole truth: the store turns
/// <see cref="Events"/>, <see cref="WakeAt"/> and the state's own change lists into rows <em>in the same transaction</em>, so
/// timeline, ledger, lists and wake-ups commit together with the state or not at all.
/// </summary>
public interface IStoredState
{
    /// <summary>Version of the shape; a reader that meets a higher one refuses (INV-14).</summary>
    int SchemaVersion { get; }

    /// <summary>When the grain must be woken, at the latest, if nothing else wakes it; null for never.</summary>
    DateTimeOffset? WakeAt { get; }

    /// <summary>What happened in <em>this</em> write, not before: each write replaces the list.</summary>
    ImmutableArray<StoredEvent> Events { get; }
}
