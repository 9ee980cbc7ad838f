using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>
/// The calls of a vendor without idempotency keys. <see cref="FencedAllocations"/> uses them to implement the guarantees of
/// <see cref="IProvider"/>.
/// </summary>
internal interface IRental
{
    /// <summary>Everything of the account that carries an <see cref="AllocationMark"/>, for any cluster and in any state but gone.</summary>
    /// <exception cref="VendorException">The list is incomplete. It is then not returned, because an absence in it counts as proof.</exception>
    Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken);

    /// <summary>Reads one of them by its id, which may find it before the list shows it; null when it is gone.</summary>
    Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken);

    /// <summary>Why the request can never be granted; null when the vendor must be asked.</summary>
    Task<AllocateOutcome?> CheckAsync(AllocationRequest request, CancellationToken cancellationToken);

    RentalNotes NotesOf(AllocationRequest request);

    /// <summary>Waits until the rate limit permits a create request, which follows at once.</summary>
    Task EnterCreateAsync(CancellationToken cancellationToken);

    /// <summary>Sends one create request, never a second one.</summary>
    /// <exception cref="VendorNotAskedException">It was not sent.</exception>
    /// <exception cref="Exception">The outcome is not known.</exception>
    Task<CreateAnswer> CreateAsync(AllocationRequest request, CancellationToken cancellationToken);

    /// <summary>Asks the vendor to destroy it. No error if it does not exist.</summary>
    /// <exception cref="VendorException">The vendor did not accept it.</exception>
    Task DestroyAsync(string vendorId, CancellationToken cancellationToken);

    /// <summary>The last output lines of the runtime; empty when the vendor has none.</summary>
    Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken);

    /// <summary>Looks for evidence that a boot has failed although the vendor's state does not show it; null without evidence.</summary>
    Task<RuntimeExit?> FindBootFaultAsync(Rented rented, CancellationToken cancellationToken) =>
        Task.FromResult<RuntimeExit?>(null);
}
