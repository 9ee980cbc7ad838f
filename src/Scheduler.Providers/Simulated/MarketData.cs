using System.Globalization;

namespace Scheduler.Providers.Simulated;

/// <summary>Source of the simulated market's offers: the embedded data, or rows generated from a seed.</summary>
internal static class MarketData
{
    private const string Resource = "Scheduler.Providers.Simulated.Data.offers.csv";
    private const int FieldsUsed = 8;

    /// <summary>Maximum length of a field; the longest in the data has 40 characters.</summary>
    private const int MaxFieldChars = 128;

    internal static TextReader Embedded() =>
        new StreamReader(
            typeof(MarketData).Assembly.GetManifestResourceStream(Resource)
                ?? throw new InvalidOperationException($"The assembly was built without {Resource}.")
        );

    /// <summary>Reads all lines after the header: a row, or null for an unreadable line.</summary>
    internal static IEnumerable<MarketRow?> Read(TextReader csv)
    {
        if (csv.ReadLine() is null)
        {
            yield break;
        }

        while (csv.ReadLine() is { } line)
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return Parse(line);
            }
        }
    }

    /// <summary>
    /// Generates offers for large markets, with real GPU names and plausible prices. The same seed gives the same
    /// offers.
    /// </summary>
    internal static IEnumerable<MarketRow> Generate(int count, int seed)
    {
        for (var i = 0; i < count; i++)
        {
            var name = i.ToString(CultureInfo.InvariantCulture);
            var (gpu, vram, usd) = Shapes[SeededDraw.Between(seed, "gpu", name, 0, Shapes.Length - 1)];
            var gpus = 1 << SeededDraw.Between(seed, "count", name, 0, 3);
            var spot = SeededDraw.Unit(seed, "spot", name) < 0.3;
            var factor = SeededDraw.Between(seed, "price", name, 80, 140) * (spot ? 0.4m : 1m) / 100m;
            yield return new MarketRow(
                GeneratedVendors[i % GeneratedVendors.Length],
                "region-" + SeededDraw.Between(seed, "region", name, 1, 20).ToString(CultureInfo.InvariantCulture),
                gpu,
                gpus,
                vram,
                spot ? "spot" : "on_demand",
                usd * gpus * factor,
                "gen-" + name
            );
        }
    }

    /// <summary>Generated vendors, or those of the embedded data if <paramref name="generatedOffers"/> is 0.</summary>
    internal static IReadOnlyList<string> Vendors(int generatedOffers)
    {
        if (generatedOffers > 0)
        {
            return GeneratedVendors;
        }

        using var csv = Embedded();
        return [.. Read(csv).OfType<MarketRow>().Select(row => row.Vendor).Distinct(StringComparer.Ordinal)];
    }

    private static readonly string[] GeneratedVendors = ["alpha", "bravo", "charlie", "delta"];

    private static readonly (string Gpu, double VramGib, decimal UsdPerHour)[] Shapes =
    [
        ("T4", 16, 0.40m),
        ("L4", 24, 0.70m),
        ("A10", 24, 0.90m),
        ("RTX4090", 24, 0.45m),
        ("L40S", 48, 1.10m),
        ("A100-80GB", 80, 1.80m),
        ("H100", 80, 2.90m),
        ("H200", 141, 3.80m),
        ("B200", 180, 5.50m),
    ];

    private static MarketRow? Parse(string line)
    {
        var fields = line.Split(',');
        if (fields.Length < FieldsUsed || fields.Take(FieldsUsed).Any(f => f.Length is 0 or > MaxFieldChars))
        {
            return null;
        }

        return
            int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && double.TryParse(fields[4], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var vram)
            && decimal.TryParse(fields[6], NumberStyles.Float, CultureInfo.InvariantCulture, out var usd)
            && double.IsFinite(vram)
            ? new MarketRow(fields[0], fields[1], fields[2], count, vram, fields[5], usd, fields[7])
            : null;
    }
}
