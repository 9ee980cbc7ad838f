using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Providers.Gpus;

namespace Scheduler.Providers.Process;

internal static class ProcessMapping
{
    internal const string CpuOfferId = "cpu";

    private const double MibPerGib = 1024;

    private static readonly string[] VendorWords = ["NVIDIA ", "GeForce ", "Tesla ", "AMD ", "Instinct "];

    /// <summary>Catalogue name, found by the driver's name and by its common short forms; null if unknown.</summary>
    internal static string? TypeOf(HostGpu gpu, GpuNameResolver resolver)
    {
        foreach (var name in Shortened(gpu.Name).SelectMany(name => (string[])[name, name.Replace(' ', '-')]))
        {
            if (resolver(name, gpu.TotalMib / MibPerGib, "") is { } type)
            {
                return type;
            }
        }

        return null;
    }

    /// <summary>The name, and what is left of it without each word of its vendor: <c>NVIDIA GeForce RTX 4090</c>, … <c>RTX 4090</c>.</summary>
    private static IEnumerable<string> Shortened(string name)
    {
        yield return name;
        while (VendorWords.FirstOrDefault(word => name.StartsWith(word, StringComparison.Ordinal)) is { } word)
        {
            name = name[word.Length..];
            yield return name;
        }
    }

    /// <summary>GPU counts to offer for a number of equal GPUs: powers of two, and all of them.</summary>
    internal static IEnumerable<int> Sizes(int gpus)
    {
        for (var size = 1; size < gpus; size *= 2)
        {
            yield return size;
        }

        yield return gpus;
    }

    internal static string OfferId(string gpuType, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{gpuType}x{count}");

    /// <summary>GPUs that one allocation of a size may have: a slice is never combined with others.</summary>
    internal static IEnumerable<HostSlot> Fitting(IEnumerable<HostSlot> slots, int size) =>
        size == 1 ? slots : slots.Where(slot => !slot.Gpu.IsSlice);

    internal static IEnumerable<Offer> Offers(IEnumerable<HostSlot> slots, ProcessOptions options) =>
        from type in slots
            .GroupBy(slot => slot.Type, StringComparer.Ordinal)
            .OrderBy(type => type.Key, StringComparer.Ordinal)
        from size in Sizes(Math.Max(1, type.Count(slot => !slot.Gpu.IsSlice)))
        select new Offer(
            new ProviderId(options.Id),
            OfferId(type.Key, size),
            options.Region,
            type.Key,
            size,
            CapacityTier.Dedicated,
            Spot: false,
            MicroEuro.CeilingFromEuros(options.PricePerGpuHour * size),
            Fitting(type, size).Count(slot => !slot.IsTaken) / size,
            EncryptedPath: options.IsOnLoopback
        );

    internal static Offer CpuOffer(ProcessOptions options, int taken) =>
        new(
            new ProviderId(options.Id),
            CpuOfferId,
            options.Region,
            options.Cpu.GpuType,
            1,
            CapacityTier.Dedicated,
            Spot: false,
            MicroEuro.CeilingFromEuros(options.Cpu.PricePerHour),
            Math.Max(0, options.Cpu.Available - taken),
            EncryptedPath: options.IsOnLoopback
        );
}
