using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Providers;

/// <summary>
/// What was asked of providers that cannot refuse a repeated key themselves. Every silo of the cluster reads and writes the
/// same journal, and it survives restarts.
/// </summary>
public interface IAllocationJournal
{
    /// <returns>Null for a key that was never asked for or released, or that is forgotten.</returns>
    Task<AllocationEntry?> FindAsync(ProviderId provider, AllocationKey key, CancellationToken cancellationToken);

    /// <summary>The entries under which something may exist: all but refused and released ones.</summary>
    Task<IReadOnlyList<AllocationEntry>> ListOpenAsync(ProviderId provider, CancellationToken cancellationToken);

    /// <summary>
    /// Stores an entry if the stored one is still the one that was read. The stored version is one higher than that of
    /// <paramref name="entry"/>.
    /// </summary>
    /// <returns>
    /// False if another writer was first, or wrote right after: read again. True is durable.
    /// </returns>
    Task<bool> TryWriteAsync(AllocationEntry entry, CancellationToken cancellationToken);

    /// <summary>Deletes refused and released entries that did not change since.</summary>
    Task ForgetAsync(ProviderId provider, DateTimeOffset before, CancellationToken cancellationToken);
}

/// <summary>One key at one provider.</summary>
public sealed record AllocationEntry
{
    public required ProviderId Provider { get; init; }

    public required AllocationKey Key { get; init; }

    public required AllocationTag Tag { get; init; }

    public required AllocationPhase Phase { get; init; }

    /// <summary>
    /// When the create request was sent whose outcome is not known; null when no outcome is open. Moved back when the provider has
    /// answered with an error that leaves the outcome open.
    /// </summary>
    public DateTimeOffset? AskedAt { get; init; }

    /// <summary>The provider's id of what it made under the key; null while none is known.</summary>
    public string? VendorId { get; init; }

    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>What the adapter must know to observe the allocation, as JSON; no secrets.</summary>
    public string Notes { get; init; } = "{}";

    /// <summary>Version of the entry as read; 0 for a new one.</summary>
    public long Version { get; init; }
}

/// <summary>Stored as text; a name never changes.</summary>
public enum AllocationPhase
{
    /// <summary>A create request was or is about to be sent, and its outcome is not known.</summary>
    Asking = 1,

    /// <summary>The provider made nothing; the key may be asked for again.</summary>
    Refused = 2,

    /// <summary>The provider made <see cref="AllocationEntry.VendorId"/>.</summary>
    Held = 3,

    /// <summary>A release was requested and is not confirmed.</summary>
    Releasing = 4,

    /// <summary>Nothing exists under the key, and it is never asked for again.</summary>
    Released = 5,
}
