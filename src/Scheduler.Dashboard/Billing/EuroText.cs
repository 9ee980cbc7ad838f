using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Billing;

/// <summary>Money as people type it and as a ledger shows it: to the micro-EUR, never rounded.</summary>
internal static class EuroText
{
    /// <summary>What is accepted.</summary>
    public const string Form = "EUR with a point and at most 6 decimals, such as 25.50";

    /// <summary>The pattern of <see cref="Form"/>, for a browser to check it first.</summary>
    public const string Pattern = @"[0-9]{1,9}(\.[0-9]{1,6})?";

    /// <summary>Reads an amount; false for what is not exactly so many micro-EUR.</summary>
    /// <param name="text">As it was typed.</param>
    /// <param name="amount">The amount.</param>
    public static bool TryParse([NotNullWhen(true)] string? text, out MicroEuro amount)
    {
        amount = default;
        return text is { Length: > 0 and <= 16 }
            && char.IsAsciiDigit(text[0])
            && char.IsAsciiDigit(text[^1])
            && Shell.EuroText.TryParse(text, out amount);
    }

    /// <summary>EUR with its sign and every decimal it has: <c>+20.00</c>, <c>−0.000358</c>.</summary>
    public static string Signed(MicroEuro amount) =>
        (amount.Value / (decimal)MicroEuro.PerEuro).ToString(
            "+#,0.00####;−#,0.00####;0.00",
            CultureInfo.InvariantCulture
        );

    /// <summary>EUR with every decimal it has.</summary>
    public static string Exact(MicroEuro amount) =>
        (amount.Value / (decimal)MicroEuro.PerEuro).ToString("#,0.00####;−#,0.00####", CultureInfo.InvariantCulture);
}
