using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Scheduler.ModelFit;

/// <summary>All known GPU types, and the mapping from providers' GPU names to them.</summary>
public sealed class GpuCatalogue
{
    /// <summary>Suggested GPU counts: powers of two, for tensor parallelism. No provider offers larger hosts.</summary>
    public static readonly ImmutableArray<int> Counts = [1, 2, 4, 8, 16];

    private static readonly Lazy<GpuCatalogue> ShippedCatalogue = new(() =>
        Parse(Encoding.UTF8.GetString(EmbeddedData.Gpus()))
    );

    /// <summary>
    /// Accepted deviation of a stated size: below the driver's figure or above the nominal one. Providers round: B300
    /// is stated as 262 GiB, but the driver reports 268.6.
    /// </summary>
    private const double SizeTolerance = 0.05;

    /// <summary>
    /// Board indicated by a part of the instance type; the first match wins. Azure's ND sizes are SXM boards and its NC
    /// sizes PCIe cards; DigitalOcean's H100 droplets are SXM. Source: the vendors' size documentation.
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

    /// <summary>
    /// Words of vendors before the name of a board, as drivers and shops print them: <c>NVIDIA GeForce RTX 4090</c>.
    /// </summary>
    private static readonly ImmutableArray<string> VendorWords =
    [
        "nvidia",
        "geforce",
        "tesla",
        "amd",
        "instinct",
        "intel",
    ];

    private readonly FrozenDictionary<string, GpuType> _byName;
    private readonly FrozenDictionary<string, ImmutableArray<GpuType>> _byAlias;
    private readonly FrozenDictionary<string, ImmutableArray<GpuType>> _byWord;

    private GpuCatalogue(ImmutableArray<GpuType> all)
    {
        All = all;
        _byName = all.ToFrozenDictionary(gpu => gpu.Name, StringComparer.OrdinalIgnoreCase);
        _byAlias = Index(all, gpu => gpu.Aliases.Append(gpu.Name));
        _byWord = Index(all, gpu => gpu.Aliases.Concat(Beginnings(gpu.Name)));
        ShapesBySize =
        [
            .. all.SelectMany(gpu => Counts.Select(count => new GpuGroup(gpu, count)))
                .OrderBy(shape => shape.TotalVramBytes)
                .ThenBy(shape => shape.Count)
                .ThenBy(shape => shape.Gpu.Name, StringComparer.Ordinal),
        ];
    }

    public static GpuCatalogue Shipped => ShippedCatalogue.Value;

    public ImmutableArray<GpuType> All { get; }

    /// <summary>Every type in every suggested count, by total memory, then by count.</summary>
    public ImmutableArray<GpuGroup> ShapesBySize { get; }

    /// <exception cref="FormatException">The table has another format.</exception>
    public static GpuCatalogue Parse(string csv) => new GpuCatalogue([.. Csv.Rows(csv).Select(ReadRow)]);

    /// <param name="name">Catalogue name, in any case.</param>
    public GpuType? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// The types that a person's word can mean: a name, its beginning or an alias, without case, separators and words of the vendor.
    /// </summary>
    /// <returns>One type when the word is clear, several for <c>H100</c>, none for an unknown word.</returns>
    public ImmutableArray<GpuType> Meant(string word)
    {
        if (Find(word) is { } named)
        {
            return [named];
        }

        var text = Canonical(word);
        while (true)
        {
            if (_byWord.TryGetValue(text, out var types))
            {
                return types;
            }

            var vendor = VendorWords.FirstOrDefault(vendor => text.StartsWith(vendor, StringComparison.Ordinal));
            if (vendor is null)
            {
                return [];
            }

            text = text[vendor.Length..];
        }
    }

    /// <summary>The type behind a provider's GPU name; null when unknown, and the offer is then omitted.</summary>
    /// <param name="vramGibPerGpu">Memory that the provider states, GiB; null when it states none.</param>
    /// <param name="instanceTypeHint">
    /// The provider's instance type, which often distinguishes SXM from PCIe; may be empty.
    /// </param>
    public GpuType? Resolve(string alias, double? vramGibPerGpu, string? instanceTypeHint)
    {
        if (!_byAlias.TryGetValue(Canonical(alias), out var candidates))
        {
            return null;
        }

        // 1. Size: a type with another memory size than stated is another product with the same name.
        var fitting = candidates.Where(gpu => HasSize(gpu, vramGibPerGpu)).ToList();
        if (fitting.Count <= 1)
        {
            return fitting.FirstOrDefault();
        }

        // 2. Board: from the instance type. Without a hint take the slower board, so that no offer promises too much.
        var hint = BoardOf(instanceTypeHint) ?? "PCIe";
        return fitting.FirstOrDefault(gpu => gpu.Name.EndsWith(hint, StringComparison.Ordinal)) ?? fitting[0];
    }

    private static FrozenDictionary<string, ImmutableArray<GpuType>> Index(
        ImmutableArray<GpuType> all,
        Func<GpuType, IEnumerable<string>> wordsOf
    ) =>
        all.SelectMany(gpu =>
                wordsOf(gpu).Select(Canonical).Distinct(StringComparer.Ordinal).Select(word => (word, gpu))
            )
            .GroupBy(pair => pair.word, pair => pair.gpu, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.ToImmutableArray(), StringComparer.Ordinal);

    /// <summary>
    /// The name and its beginnings at each dash from the first digit on: <c>V100</c>, <c>V100-16GB</c>,
    /// <c>V100-16GB-SXM</c>. So a word for a family means all of it, also where only one type has it as an alias.
    /// </summary>
    private static IEnumerable<string> Beginnings(string name)
    {
        var parts = name.Split('-');
        return Enumerable
            .Range(1, parts.Length)
            .Select(count => string.Join('-', parts[..count]))
            .Where(beginning => beginning.Any(char.IsAsciiDigit));
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

    /// <summary>Removes case and separators: <c>RTX 4090</c>, <c>RTX4090</c>, <c>Tesla_V100</c>.</summary>
    public static string Canonical(string alias)
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
