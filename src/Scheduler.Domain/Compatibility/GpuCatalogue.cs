using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Scheduler.Domain.Compatibility;

/// <summary>Every GPU type known, and the way from a provider's own name to one.</summary>
public sealed class GpuCatalogue
{
    /// <summary>GPU counts that are suggested, powers of two as tensor parallelism wants them; larger hosts are not on offer.</summary>
    public static readonly ImmutableArray<int> Counts = [1, 2, 4, 8, 16];

    private static readonly Lazy<GpuCatalogue> ShippedCatalogue = new(() =>
        Parse(Encoding.UTF8.GetString(EmbeddedData.Gpus()))
    );

    /// <summary>
    /// How far a stated size may lie below the driver's figure, or above the nominal one: providers round, and B300 is stated as 262 GiB
    /// where the driver says 268.6.
    /// </summary>
    private const double SizeTolerance = 0.05;

    /// <summary>
    /// What an instance type gives away about the board, first match wins. Azure's ND sizes are SXM boards and its NC sizes PCIe cards;
    /// DigitalOcean's H100 droplets are SXM (the vendors' own size documentation).
    /// </summary>
    private static readonly ImmutableArray<(string Token, string Board)> BoardTokens =
    [
        ("sxm", "SXM"),
        ("hgx", "SXM"),
        ("pcie", "PCIe"),
        ("standard_nd", "SXM"),
        ("standard_nc", "PCIe"),
        ("gpu-h100x", "SXM"),
        ("gpu-a100x", "SXM"),
    ];

    private readonly FrozenDictionary<string, GpuType> _byName;
    private readonly FrozenDictionary<string, ImmutableArray<GpuType>> _byAlias;

    private GpuCatalogue(ImmutableArray<GpuType> all)
    {
        All = all;
        _byName = all.ToFrozenDictionary(gpu => gpu.Name, StringComparer.OrdinalIgnoreCase);
        _byAlias = all.SelectMany(gpu =>
                gpu.Aliases.Append(gpu.Name)
                    .Select(Canonical)
                    .Distinct(StringComparer.Ordinal)
                    .Select(alias => (alias, gpu))
            )
            .GroupBy(pair => pair.alias, pair => pair.gpu, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray(), StringComparer.Ordinal);
        ShapesBySize =
        [
            .. all.SelectMany(gpu => Counts.Select(count => new GpuGroup(gpu, count)))
                .OrderBy(shape => shape.TotalVramBytes)
                .ThenBy(shape => shape.Count)
                .ThenBy(shape => shape.Gpu.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The table shipped with the rules.</summary>
    public static GpuCatalogue Shipped => ShippedCatalogue.Value;

    /// <summary>Every type, in the table's order.</summary>
    public ImmutableArray<GpuType> All { get; }

    /// <summary>Every type in every suggested count, by total memory, then by count.</summary>
    public ImmutableArray<GpuGroup> ShapesBySize { get; }

    /// <summary>Reads a table of the shape of <c>Data/gpus.csv</c>.</summary>
    /// <exception cref="FormatException">The table is not of that shape.</exception>
    public static GpuCatalogue Parse(string csv)
    {
        ArgumentNullException.ThrowIfNull(csv);
        return new GpuCatalogue([.. Csv.Rows(csv).Select(ReadRow)]);
    }

    /// <summary>The type of a catalogue name, or null.</summary>
    /// <param name="name">Catalogue name, in any case.</param>
    public GpuType? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The type a provider means, or null when it is none we know: then the offer is left out.</summary>
    /// <param name="alias">The provider's name of the GPU.</param>
    /// <param name="vramGibPerGpu">The memory it states, GiB; null where it states none.</param>
    /// <param name="instanceTypeHint">Its instance type, which often tells SXM from PCIe; may be empty.</param>
    public GpuType? Resolve(string alias, double? vramGibPerGpu, string? instanceTypeHint)
    {
        ArgumentNullException.ThrowIfNull(alias);
        if (!_byAlias.TryGetValue(Canonical(alias), out var candidates))
        {
            return null;
        }

        // 1. Size: a type whose memory is not what the provider states is another product under the same name.
        var fitting = candidates.Where(gpu => HasSize(gpu, vramGibPerGpu)).ToList();
        if (fitting.Count <= 1)
        {
            return fitting.FirstOrDefault();
        }

        // 2. Board: what the instance type gives away; where it says nothing, the slower board, so that nothing is promised too much.
        var hint = BoardOf(instanceTypeHint) ?? "PCIe";
        return fitting.FirstOrDefault(gpu => gpu.Name.EndsWith(hint, StringComparison.Ordinal)) ?? fitting[0];
    }

    private static string? BoardOf(string? instanceType)
    {
        foreach (var (token, board) in BoardTokens)
        {
            if (instanceType?.Contains(token, StringComparison.OrdinalIgnoreCase) == true)
            {
                return board;
            }
        }

        return null;
    }

    private static bool HasSize(GpuType gpu, double? statedGib)
    {
        if (statedGib is not { } stated)
        {
            return true;
        }

        var reported = gpu.VramBytes / (double)(1L << 30);
        return stated >= reported * (1 - SizeTolerance)
            && stated <= Math.Max(reported, gpu.NominalGib) * (1 + SizeTolerance);
    }

    private static GpuType ReadRow(IReadOnlyDictionary<string, string> row) =>
        new()
        {
            Name = row["name"],
            Aliases = [.. row["aliases"].Split(';', StringSplitOptions.RemoveEmptyEntries)],
            Vendor = row["vendor"],
            Architecture = row["architecture"],
            VramBytes = checked(long.Parse(row["vram_mib"], CultureInfo.InvariantCulture) << 20),
            NominalGib = int.Parse(row["vram_nominal_gib"], CultureInfo.InvariantCulture),
            BandwidthGbPerSecond =
                row["memory_bandwidth_gb_s"].Length == 0
                    ? null
                    : double.Parse(row["memory_bandwidth_gb_s"], CultureInfo.InvariantCulture),
            SupportsFp8 = row["fp8_support"] is "yes",
            SupportsFp4 = row["fp4_support"] is "yes",
            Interconnect = row["interconnect"],
        };

    /// <summary>Providers differ in case and separators (<c>RTX 4090</c>, <c>RTX4090</c>, <c>Tesla_V100</c>).</summary>
    private static string Canonical(string alias)
    {
        var text = new StringBuilder(alias.Length);
        foreach (var letter in alias)
        {
            if (char.IsLetterOrDigit(letter))
            {
                text.Append(char.ToLowerInvariant(letter));
            }
        }

        return text.ToString();
    }
}
