using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Providers.Gpus;

/// <summary>Reads the output of <c>nvidia-smi</c>.</summary>
internal static partial class NvidiaSmi
{
    /// <summary>Arguments for <see cref="Read"/>. Drivers since R450 know all of these fields.</summary>
    internal static readonly ImmutableArray<string> Query =
    [
        "--query-gpu=name,memory.total,memory.free,driver_version,uuid,mig.mode.current",
        "--format=csv,noheader,nounits",
    ];

    /// <summary>Arguments for the list that names the MIG slices.</summary>
    internal static readonly ImmutableArray<string> List = ["-L"];

    private const int FieldsWithoutMig = 5;
    private const int FieldsWithMig = 6;

    /// <summary>Whether some GPU is in MIG mode, so that <see cref="Read"/> needs the list too.</summary>
    internal static bool HasMig(string csv) => Lines(csv).Any(line => IsMig(Fields(line)));

    /// <param name="csv">Output for <see cref="Query"/>.</param>
    /// <param name="list">Output for <see cref="List"/>; empty on a host without MIG.</param>
    internal static GpuReading Read(string csv, string list)
    {
        var slices = Slices(list).ToLookup(slice => slice.Parent, StringComparer.Ordinal);
        return Lines(csv)
            .Select(line => ReadLine(Fields(line), slices))
            .Aggregate(GpuReading.None, (all, one) => all.And(one));
    }

    private static GpuReading ReadLine(
        string[] fields,
        ILookup<string, (string Parent, string Profile, string Uuid)> slices
    )
    {
        if (fields.Length is not (FieldsWithoutMig or FieldsWithMig) || fields[0].Length is 0 or > 128)
        {
            return GpuReading.Of(IsLost(string.Join(',', fields)) ? GpuFault.Lost : GpuFault.Unreadable);
        }

        var (name, uuid) = (fields[0], fields[4]);
        if (IsMig(fields))
        {
            var own = slices[uuid].ToList();
            return own.Count == 0
                ? GpuReading.Of(GpuFault.MigWithoutSlices)
                : own.Select(slice => ReadSlice(name, slice.Profile, slice.Uuid))
                    .Aggregate(GpuReading.None, (all, one) => all.And(one));
        }

        return
            uuid.StartsWith("GPU-", StringComparison.Ordinal)
            && Mib(fields[1]) is { } total
            && Mib(fields[2], least: 0) is { } free
            && free <= total
            ? new GpuReading([new HostGpu(uuid, name, total, free)], [])
            : GpuReading.Of(fields.Any(IsLost) ? GpuFault.Lost : GpuFault.Unreadable);
    }

    /// <summary>The profile names the memory: <c>1g.10gb</c>, <c>1g.10gb+me</c>, <c>3g.40gb</c>.</summary>
    private static GpuReading ReadSlice(string name, string profile, string uuid) =>
        ProfileMemory().Match(profile) is { Success: true } match
        && Mib(match.Groups["gib"].Value) is { } gib
        && gib <= HostGpu.MaxMib / 1024
            ? new GpuReading([new HostGpu(uuid, $"{name} MIG {profile}", gib * 1024, gib * 1024)], [])
            : GpuReading.Of(GpuFault.Unreadable);

    private static IEnumerable<(string Parent, string Profile, string Uuid)> Slices(string list)
    {
        var parent = "";
        foreach (var line in Lines(list))
        {
            if (GpuLine().Match(line) is { Success: true } gpu)
            {
                parent = gpu.Groups["uuid"].Value;
            }
            else if (SliceLine().Match(line) is { Success: true } slice)
            {
                yield return (parent, slice.Groups["profile"].Value, slice.Groups["uuid"].Value);
            }
        }
    }

    private static bool IsMig(string[] fields) =>
        fields.Length == FieldsWithMig && fields[^1].Equals("Enabled", StringComparison.Ordinal);

    private static bool IsLost(string field) =>
        field.Contains("GPU is lost", StringComparison.OrdinalIgnoreCase)
        || field.Contains("Unknown Error", StringComparison.OrdinalIgnoreCase);

    private static long? Mib(string text, long least = 1) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var mib)
        && mib >= least
        && mib <= HostGpu.MaxMib
            ? mib
            : null;

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string[] Fields(string line) => line.Split(',', StringSplitOptions.TrimEntries);

    [GeneratedRegex(@"^GPU \d+: .* \(UUID: (?<uuid>GPU-[0-9A-Za-z-]+)\)\z", RegexOptions.None, 1000)]
    private static partial Regex GpuLine();

    [GeneratedRegex(
        @"^MIG (?<profile>\S+)\s+Device\s+\d+: \(UUID: (?<uuid>MIG-[0-9A-Za-z/-]+)\)\z",
        RegexOptions.None,
        1000
    )]
    private static partial Regex SliceLine();

    [GeneratedRegex(@"^(?:\d+c\.)?\d+g\.(?<gib>\d+)gb", RegexOptions.None, 1000)]
    private static partial Regex ProfileMemory();
}
