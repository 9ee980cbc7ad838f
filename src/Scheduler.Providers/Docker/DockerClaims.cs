using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Docker;

/// <summary>Decides which container has a GPU when two silos chose the same one.</summary>
/// <remarks>
/// <para>
/// A silo creates its container, with its GPUs in a label, and then lists all containers. It starts its own only after a list
/// that shows no other with one of the GPUs. Two containers cannot both be started so: the engine made one of them later, and
/// the list read after that shows the other, which exists until its release.
/// </para>
/// <para>
/// Of two that are not started the older one, and of equal age the one with the lower id, waits for the other to withdraw.
/// The wait is short: the other's scheduler may be dead, and then another GPU is better.
/// </para>
/// </remarks>
internal sealed class DockerClaims(DockerApi api, TimeProvider clock)
{
    private const int MaxLooks = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Ids of the slots in the labels of all containers, of any cluster and in any state.</summary>
    /// <param name="except">The key whose own container does not count: another silo may just have created it.</param>
    internal async Task<IReadOnlySet<string>> TakenAsync(AllocationKey? except, CancellationToken cancellationToken) =>
        (await api.ListAsync(DockerLabels.KeyLabel, cancellationToken))
            .Select(container => DockerLabels.Read(container.Labels))
            .Where(labels => labels is not null && labels.Key != except)
            .SelectMany(labels => labels!.Slots)
            .ToHashSet(StringComparer.Ordinal);

    /// <summary>Whether the created container may start. Otherwise it must be removed.</summary>
    internal async Task<bool> WinAsync(string id, IReadOnlyList<string> slots, CancellationToken cancellationToken)
    {
        for (var look = 0; look < MaxLooks; look++)
        {
            var all = await api.ListAsync(DockerLabels.KeyLabel, cancellationToken);
            if (all.FirstOrDefault(container => container.Id == id) is not { } own)
            {
                return false;
            }

            var others = all.Where(container => container.Id != id && Overlaps(container, slots)).ToList();
            if (others.Count == 0)
            {
                return true;
            }

            if (others.Any(other => !other.IsNew || IsBefore(other, own)))
            {
                return false;
            }

            await clock.Delay(Pause, cancellationToken);
        }

        return false;
    }

    private static bool Overlaps(ListedContainer container, IReadOnlyList<string> slots) =>
        DockerLabels.Read(container.Labels)?.Slots.Any(slot => slots.Contains(slot, StringComparer.Ordinal)) == true;

    private static bool IsBefore(ListedContainer a, ListedContainer b) =>
        a.Created != b.Created ? a.Created < b.Created : string.CompareOrdinal(a.Id, b.Id) < 0;
}
