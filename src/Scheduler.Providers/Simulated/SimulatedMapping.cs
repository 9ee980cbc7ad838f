using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Simulated;

internal static class SimulatedMapping
{
    /// <summary>Distinguishes a simulated provider from the real vendor.</summary>
    internal const string IdPrefix = "sim-";

    /// <summary>A higher price is an error in the data. The limit is a hundred times the highest price seen.</summary>
    private const decimal MaxUsdPerHour = 20_000;

    /// <summary>Rows with more GPUs are errors in the data; no machine of the data has as many.</summary>
    private const int MaxGpuCount = 64;

    private const string ReplyOption = "--simulated-reply=";
    private const string YesOption = "--simulated-yes=";

    /// <summary>Options that set the answers of a stand-in runtime.</summary>
    internal static readonly ImmutableArray<string> Options = [ReplyOption.TrimEnd('='), YesOption.TrimEnd('=')];

    private static readonly HashSet<string> Marketplaces = new(StringComparer.Ordinal)
    {
        "lium",
        "hyperbolic",
        "yotta",
        "shadeform",
        "fluidstack",
    };

    /// <summary>Converts a row to an offer, or returns the reason why the row is skipped.</summary>
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
            new QuotedPrice("USD", MicroEuro.CeilingFromEuros(row.UsdPerHour).Value),
            // The stand-in runtime listens on loopback.
            EncryptedPath: true
        );
        return (offer, null);
    }

    /// <summary>Rounds up, so that the vendor's charge never exceeds the customer's charge.</summary>
    internal static MicroEuro ToEuro(decimal usdPerHour, decimal eurPerUsd) =>
        MicroEuro.CeilingFromEuros(usdPerHour * eurPerUsd);

    internal static string AllocationId(string provider, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"{provider}-{SeededDraw.Hash(0, provider, key):x16}");

    /// <summary>The stand-in runtime has the tokenizer API of vLLM.</summary>
    internal static readonly RuntimeTokenizer Tokenizer = new("/tokenize", TokenizeShape.Vllm);

    internal static Uri Endpoint(Uri runtimeBase, string key) => new(runtimeBase, $"a/{Uri.EscapeDataString(key)}/");

    /// <summary>
    /// The fixed answer that a launch sets for its stand-in runtime, to simulate a judge or a classifier; null if it
    /// sets none.
    /// </summary>
    internal static string? ReplyIn(RuntimeSpec spec) => OptionIn(spec, ReplyOption);

    /// <summary>Word for which a stand-in runtime answers true in JSON; null if the launch sets none.</summary>
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
