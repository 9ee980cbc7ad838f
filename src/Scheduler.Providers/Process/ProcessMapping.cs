using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Process;

internal static class ProcessMapping
{
    internal const string CpuOfferId = "cpu";

    private const int Fields = 5;
    private const double MibPerGib = 1024;

    /// <summary>In MiB. No GPU has more memory, so a larger value is an error in the output.</summary>
    private const long MaxMib = 16L << 20;

    /// <summary>One entry per output line; null for an unreadable line.</summary>
    internal static IReadOnlyList<HostGpu?> Gpus(string csv) =>
        [.. csv.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Gpu)];

    /// <summary>Catalogue name, found by the driver's name and by its common short forms; null if unknown.</summary>
    internal static string? TypeOf(HostGpu gpu, GpuNameResolver resolver)
    {
        var bare = gpu.Name.StartsWith("NVIDIA ", StringComparison.Ordinal) ? gpu.Name["NVIDIA ".Length..] : gpu.Name;
        foreach (var name in (string[])[gpu.Name, gpu.Name.Replace(' ', '-'), bare, bare.Replace(' ', '-')])
        {
            if (resolver(name, gpu.TotalMib / MibPerGib, "") is { } type)
            {
                return type;
            }
        }

        return null;
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

    internal static IEnumerable<Offer> Offers(
        ImmutableDictionary<string, ImmutableArray<string>> freeByType,
        ImmutableDictionary<string, int> totalByType,
        ProcessOptions options
    ) =>
        from type in totalByType.OrderBy(type => type.Key, StringComparer.Ordinal)
        from size in Sizes(type.Value)
        select new Offer(
            new ProviderId(options.Id),
            OfferId(type.Key, size),
            options.Region,
            type.Key,
            size,
            CapacityTier.Dedicated,
            Spot: false,
            MicroEuro.CeilingFromEuros(options.PricePerGpuHour * size),
            freeByType.GetValueOrDefault(type.Key, []).Length / size,
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

    private static HostGpu? Gpu(string line)
    {
        var fields = line.Split(',', StringSplitOptions.TrimEntries);
        return
            fields.Length == Fields
            && fields[0].Length is > 0 and <= 128
            && fields[4].StartsWith("GPU-", StringComparison.Ordinal)
            && long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var total)
            && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var free)
            && total is > 0 and <= MaxMib
            && free <= total
            ? new HostGpu(fields[4], fields[0], total, free)
            : null;
    }
}
