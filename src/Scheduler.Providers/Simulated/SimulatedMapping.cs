using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Simulated;

/// <summary>From the market data's words to ours.</summary>
internal static class SimulatedMapping
{
    /// <summary>No simulated provider can be mistaken for the vendor it is modelled on.</summary>
    internal const string IdPrefix = "sim-";

    /// <summary>Prices above this are taken for a fault of the data: a hundred times the dearest machine seen.</summary>
    private const decimal MaxUsdPerHour = 20_000;

    /// <summary>More GPUs than any machine of the data holds are taken for a fault.</summary>
    private const int MaxGpuCount = 64;

    private const string ReplyOption = "--simulated-reply=";
    private const string YesOption = "--simulated-yes=";

    private static readonly HashSet<string> Marketplaces = new(StringComparer.Ordinal)
    {
        "lium",
        "hyperbolic",
        "yotta",
        "shadeform",
        "fluidstack",
    };

    /// <summary>One row as an offer, or the reason why it makes none.</summary>
    internal static (Offer? Offer, string? Skipped) ToOffer(
        MarketRow row,
        GpuNameResolver resolver,
        SimulatedOptions options
    )
    {
        if (row.GpuCount is < 1 or > MaxGpuCount)
        {
            return (null, "gpu_count");
        }

        if (row.UsdPerHour is < 0 or > MaxUsdPerHour)
        {
            return (null, "price");
        }

        if (row.Capacity is not ("on_demand" or "spot"))
        {
            return (null, "capacity");
        }

        if (resolver(row.Gpu, row.VramGib, row.InstanceType) is not { } gpuType)
        {
            return (null, "unknown_gpu");
        }

        var provider = new ProviderId(IdPrefix + row.Vendor);
        var offerId = string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Region}/{row.InstanceType}/{row.Gpu}x{row.GpuCount}/{row.Capacity}"
        );
        var spot = row.Capacity is "spot";
        var community = Marketplaces.Contains(row.Vendor);
        var offer = new Offer(
            provider,
            offerId,
            row.Region,
            gpuType,
            row.GpuCount,
            community ? CapacityTier.Community : CapacityTier.Standard,
            spot,
            ToEuro(row.UsdPerHour, options.EurPerUsd),
            options.CapacityPerOffer
                ?? SeededDraw.Between(options.Seed, provider.Value, offerId, 1, community ? 4 : 16),
            new QuotedPrice("USD", MicroEuro.CeilingFromEuros(row.UsdPerHour).Value)
        );
        return (offer, null);
    }

    /// <summary>A USD price in EUR, rounded up, so that a vendor's bill is never higher than ours.</summary>
    internal static MicroEuro ToEuro(decimal usdPerHour, decimal eurPerUsd) =>
        MicroEuro.CeilingFromEuros(usdPerHour * eurPerUsd);

    internal static string AllocationId(string provider, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"{provider}-{SeededDraw.Hash(0, provider, key):x16}");

    /// <summary>The stand-in runtime answers as vLLM's tokenizer does.</summary>
    internal static readonly RuntimeTokenizer Tokenizer = new("/tokenize", TokenizeShape.Vllm);

    internal static Uri Endpoint(Uri runtimeBase, string key) => new(runtimeBase, $"a/{Uri.EscapeDataString(key)}/");

    /// <summary>The fixed answer a launch asks its stand-in for, so that a judge or a classifier can be played; null where it asks for none.</summary>
    internal static string? ReplyIn(RuntimeSpec spec) => OptionIn(spec, ReplyOption);

    /// <summary>The word that a stand-in asked for JSON says yes to; null where the launch names none.</summary>
    internal static string? YesWordIn(RuntimeSpec spec) => OptionIn(spec, YesOption);

    private static string? OptionIn(RuntimeSpec spec, string option)
    {
        foreach (var argument in spec.ExtraArguments)
        {
            if (argument.StartsWith(option, StringComparison.Ordinal))
            {
                return argument[option.Length..];
            }
        }

        return null;
    }
}
