using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <summary>
/// The port to those who rent capacity. Every adapter keeps these promises; the conformance suite checks them on each.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item>The same <see cref="AllocationKey"/> never makes a second allocation, also across restarts of either side.</item>
/// <item>Every allocation carries its <see cref="AllocationTag"/>.</item>
/// <item>Expected refusals are values (<see cref="AllocateOutcome"/>); an exception means <em>unknown</em>: ask again with the same key.</item>
/// <item>Cancelling a call stops waiting; it does not undo. What was asked for may still arrive and shows in the list.</item>
/// <item>Calls are safe from any thread and hold no caller's context.</item>
/// </list>
/// </remarks>
public interface IProvider
{
    /// <summary>The configured name.</summary>
    ProviderId Id { get; }

    /// <summary>What can be rented now. Offers that make no sense are left out and counted.</summary>
    Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Asks for capacity and waits until it is ours or refused. May take minutes; the caller brings the deadline.
    /// Called again with the same key it goes on waiting for, or returns, the same allocation.
    /// </summary>
    Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken);

    /// <summary>What is known now of one allocation; null when the provider holds none under the key.</summary>
    Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>
    /// The last lines that the runtime under a key has printed so far, at most <see cref="Runtimes.RuntimeExit.MaxOutputTailChars"/>
    /// characters; empty when it printed nothing, nothing is held under the key, or the provider does not tell.
    /// </summary>
    Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>Every allocation tagged with the cluster that this provider holds, whoever owns it.</summary>
    Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken);

    /// <summary>
    /// Gives capacity back, or calls off a request that has not been answered. Keep calling until it says
    /// <see cref="ReleaseOutcome.Released"/>: only then is nothing held and nothing paid under the key.
    /// Releasing what never was, or is gone, is <see cref="ReleaseOutcome.Released"/>.
    /// </summary>
    Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken);

    /// <summary>
    /// Pushes allocations whose status changed, as the provider notices it: the runtime became ready, exited, was preempted.
    /// Best effort and repeatable; <see cref="FindAsync"/> is the truth. Ends when cancelled.
    /// </summary>
    IAsyncEnumerable<Allocation> WatchAsync(string cluster, CancellationToken cancellationToken);
}

/// <summary>The answer to a listing.</summary>
/// <param name="Offers">Offers that make sense.</param>
/// <param name="Skipped">How many were left out, and why, by reason.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferListing")]
public sealed record OfferListing(
    [property: Id(0)] ImmutableArray<Offer> Offers,
    [property: Id(1)] ImmutableSortedDictionary<string, int> Skipped
);

/// <summary>How far a release got.</summary>
public enum ReleaseOutcome
{
    /// <summary>Nothing is held under the key.</summary>
    Released = 1,

    /// <summary>The provider is still giving it back; ask again.</summary>
    Pending = 2,
}
