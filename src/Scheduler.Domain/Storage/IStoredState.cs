using System.Collections.Immutable;
using Scheduler.Domain.Events;

namespace Scheduler.Domain.Storage;

/// <summary>
/// Common part of every stored grain state. The store turns <see cref="Events"/>, <see cref="WakeAt"/> and the state's
/// change lists into rows <em>in the same transaction</em> as the state. Timeline, ledger, lists and wake-ups commit
/// with the state or not at all.
/// </summary>
public interface IStoredState
{
    /// <summary>Version of the stored shape; a reader refuses a higher version than its own (INV-14).</summary>
    int SchemaVersion { get; }

    /// <summary>Latest time at which the grain must be woken; null for never.</summary>
    DateTimeOffset? WakeAt { get; }

    /// <summary>Events of <em>this</em> write only: each write replaces the list.</summary>
    ImmutableArray<StoredEvent> Events { get; }
}
