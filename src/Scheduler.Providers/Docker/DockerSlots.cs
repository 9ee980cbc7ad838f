using System.Collections.Immutable;
using Scheduler.Domain.Placement;
using Scheduler.Providers.Process;

namespace Scheduler.Providers.Docker;

/// <summary>The slots of a host. Those in the labels of containers are taken, also of containers that have ended.</summary>
internal sealed record DockerSlots(ImmutableArray<DockerSlot> All)
{
    internal const string CpuOfferId = "cpu";

    private const int FirstRenderNode = 128;

    internal int Gpus => All.Count(slot => !slot.IsCpu);

    internal DockerSlots WithoutGpus() => new([.. All.Where(slot => slot.IsCpu)]);

    /// <summary>The slots that the settings name.</summary>
    internal static DockerSlots Of(DockerHostOptions host, IEnumerable<DockerSlot> discovered)
    {
        var index = 0;
        var configured = host.Gpus.SelectMany(gpu =>
            gpu.Ids.Count > 0
                ? gpu.Ids.Select(id => new DockerSlot(gpu.Type, id, IsCpu: false)).ToList()
                : [.. Enumerable.Range(0, gpu.Count).Select(_ => new DockerSlot(gpu.Type, IdOf(index++), IsCpu: false))]
        );
        var places = host.Cpu.Enabled ? Enumerable.Range(0, host.Cpu.Available) : [];
        return new DockerSlots([
            .. configured,
            .. discovered,
            .. places.Select(n => new DockerSlot(
                host.Cpu.GpuType,
                FormattableString.Invariant($"cpu-{n}"),
                IsCpu: true
            )),
        ]);

        string IdOf(int n) =>
            host.GpuAccess == DockerGpuAccess.Amd
                ? FormattableString.Invariant($"renderD{FirstRenderNode + n}")
                : FormattableString.Invariant($"{n}");
    }

    /// <summary>GPU counts of the offers, by their ids.</summary>
    internal IEnumerable<(string OfferId, string Type, int Size, bool IsCpu)> Shapes()
    {
        foreach (var type in All.Where(slot => !slot.IsCpu).GroupBy(slot => slot.Type, StringComparer.Ordinal))
        {
            foreach (var size in ProcessMapping.Sizes(type.Count()))
            {
                yield return (ProcessMapping.OfferId(type.Key, size), type.Key, size, false);
            }
        }

        if (All.FirstOrDefault(slot => slot.IsCpu) is { } place)
        {
            yield return (CpuOfferId, place.Type, 1, true);
        }
    }

    internal IEnumerable<DockerSlot> Free(string type, bool isCpu, IReadOnlySet<string> taken) =>
        All.Where(slot => slot.IsCpu == isCpu && slot.Type == type && !taken.Contains(slot.Id));

    /// <returns>The slots for an offer; empty when too few are free, null when there is no such offer.</returns>
    internal ImmutableArray<DockerSlot>? Pick(Offer offer, IReadOnlySet<string> taken)
    {
        foreach (var (id, type, size, isCpu) in Shapes())
        {
            if (id == offer.OfferId)
            {
                ImmutableArray<DockerSlot> free = [.. Free(type, isCpu, taken).Take(size)];
                return free.Length == size ? free : [];
            }
        }

        return null;
    }
}
