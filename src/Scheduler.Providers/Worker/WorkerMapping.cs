using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Worker;

internal static class WorkerMapping
{
    private const char Separator = '/';

    /// <summary>Host and the host's own id of an offer; null if it is no offer of a host.</summary>
    internal static (string Host, string OfferId)? Split(string offerId) =>
        offerId.IndexOf(Separator, StringComparison.Ordinal) is > 0 and var at
            ? (offerId[..at], offerId[(at + 1)..])
            : null;

    /// <summary>The host's offers as offers of this provider. Invalid and repeated ones are left out and counted.</summary>
    internal static IEnumerable<Offer> Offers(
        ProviderId provider,
        string host,
        ImmutableArray<Offer> offers,
        Action<string> skip
    )
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var offer in offers)
        {
            if (
                string.IsNullOrEmpty(offer.OfferId)
                || string.IsNullOrEmpty(offer.GpuType)
                || string.IsNullOrEmpty(offer.Region)
                || offer.GpuCount < 1
                || offer.Available < 0
                || offer.PricePerHour.Value < 0
                || !seen.Add(offer.OfferId)
            )
            {
                skip("unreadable");
                continue;
            }

            yield return offer with
            {
                Provider = provider,
                OfferId = $"{host}{Separator}{offer.OfferId}",
            };
        }
    }

    internal static Allocation Of(ProviderId provider, string host, Allocation allocation) =>
        allocation with
        {
            ProviderAllocationId = $"{provider}{Separator}{host}{Separator}{allocation.Key}",
        };

    /// <summary>What a journal entry notes: the only host that may ever have the key.</summary>
    internal static string NotesOf(string host) => JsonSerializer.Serialize(new WorkerNotes(host), WorkerWire.Json);

    /// <exception cref="InvalidDataException">The entry was not written by this adapter.</exception>
    internal static string HostOf(AllocationEntry entry) =>
        JsonSerializer.Deserialize<WorkerNotes>(entry.Notes, WorkerWire.Json)?.Host
        ?? throw new InvalidDataException($"The journal's entry of '{entry.Key}' names no host.");

    private sealed record WorkerNotes(string? Host);
}
