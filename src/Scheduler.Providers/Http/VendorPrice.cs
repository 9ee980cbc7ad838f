using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Http;

/// <summary>Prices that vendors quote in USD.</summary>
internal static class VendorPrice
{
    private const decimal MicroPerUnit = 1_000_000;

    /// <summary>A higher price per hour is an error of the vendor: a hundred times the dearest machine seen.</summary>
    private const decimal MaxUsdPerHour = 20_000;

    /// <summary>A price of 0 is an error too: vendors show it for what cannot be rented.</summary>
    internal static bool IsSound(decimal? usdPerHour) => usdPerHour is > 0 and <= MaxUsdPerHour;

    /// <summary>The price in EUR, rounded up once, beside the quoted one.</summary>
    internal static (MicroEuro Price, QuotedPrice Quoted) Of(decimal usdPerHour, decimal eurPerUsd) =>
        (
            MicroEuro.CeilingFromEuros(usdPerHour * eurPerUsd),
            new QuotedPrice("USD", checked((long)decimal.Ceiling(usdPerHour * MicroPerUnit)))
        );

    /// <summary>Whether what the vendor charges is more than an offer quoted, beyond the rounding of its numbers.</summary>
    internal static bool IsOver(decimal usdPerHour, Offer offer) =>
        offer.Quoted is { Currency: "USD" } quoted
        && usdPerHour * MicroPerUnit > quoted.MicroUnitsPerHour * 1.01m + 10_000;
}
