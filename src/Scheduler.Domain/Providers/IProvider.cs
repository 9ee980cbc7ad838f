using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Domain.Providers;

/// <summary>
/// Port to a provider of capacity. Every adapter keeps the promises below; the conformance suite checks each adapter.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>
/// The same <see cref="AllocationKey"/> never makes a second allocation, also across restarts of either side.
/// </item>
/// <item>Every allocation carries its <see cref="AllocationTag"/>.</item>
/// <item>
/// An expected rejection is a value (<see cref="AllocateOutcome"/>). An exception means that the outcome is
/// <em>unknown</em>: retry with the same key.
/// </item>
/// <item>
/// Cancelling a call ends the wait but does not undo the request. The allocation may still appear, and is then listed.
/// </item>
/// <item>Calls are safe from any thread and do not capture the caller's context.</item>
/// </list>
/// </remarks>
public interface IProvider
{
    ProviderId Id { get; }

    /// <summary>The runtime presets that it can start.</summary>
    IEnumerable<RuntimePreset> Presets => RuntimePresets.BuiltIn.Values;

    /// <summary>Options among the runtime arguments that it reads itself; no engine gets them.</summary>
    IEnumerable<string> OwnOptions => [];

    /// <summary>
    /// Whether others than this host may reach its runtimes. Then every runtime gets a runtime key, and an engine that cannot ask its
    /// callers for one is refused (INV-17).
    /// </summary>
    bool IsReachableFromOutside => true;

    /// <summary>
    /// Accounts that may use it and see it, for example because they pay its vendor themselves; empty for all accounts.
    /// </summary>
    FrozenSet<AccountId> OnlyFor => FrozenSet<AccountId>.Empty;

    /// <summary>
    /// Another number than before when the offers may have changed, so that they are listed again at once. A provider that cannot tell
    /// keeps one number.
    /// </summary>
    long OffersVersion => 0;

    /// <summary>Offers that can be rented now. Invalid offers are omitted and counted.</summary>
    Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Requests capacity and waits for the allocation or a rejection. May take minutes; the caller sets the deadline.
    /// A second call with the same key continues the wait for the same allocation, or returns it.
    /// </summary>
    Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken);

    /// <summary>The current allocation under a key; null when the provider has none.</summary>
    Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>
    /// The last output lines of the runtime under a key, at most <see cref="Runtimes.RuntimeExit.MaxOutputTailChars"/>
    /// characters. Empty without output, without an allocation, or when the provider does not support it.
    /// </summary>
    Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>All allocations at this provider that carry the cluster's tag, for any instance.</summary>
    Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken);

    /// <summary>
    /// Releases capacity, or cancels an allocation request that is still pending. Call it until it returns
    /// <see cref="ReleaseOutcome.Released"/>: only then is nothing allocated and nothing billed under the key.
    /// For a key without an allocation it returns <see cref="ReleaseOutcome.Released"/>.
    /// </summary>
    Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>
    /// Streams allocations whose status changed (ready, exited, preempted), as soon as the provider notices. Best
    /// effort: changes may be missed or repeated, and <see cref="FindAsync"/> is authoritative. The stream ends on
    /// cancellation.
    /// </summary>
    IAsyncEnumerable<Allocation> WatchAsync(string cluster, CancellationToken cancellationToken);
}

/// <param name="Offers">Valid offers.</param>
/// <param name="Skipped">Number of omitted offers by reason.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferListing")]
public sealed record OfferListing(
    [property: Id(0)] ImmutableArray<Offer> Offers,
    [property: Id(1)] ImmutableSortedDictionary<string, int> Skipped
);

public enum ReleaseOutcome
{
    /// <summary>Nothing is allocated under the key.</summary>
    Released = 1,

    /// <summary>The provider has not finished the release; call again.</summary>
    Pending = 2,
}
