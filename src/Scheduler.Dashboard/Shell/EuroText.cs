using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Parses amounts in EUR from a field, such as <c>1.29</c>, and formats them for the ledger: exact to the micro-EUR,
/// never rounded.
/// </summary>
internal static class EuroText
{
    /// <summary>Accepted form, for a sentence that begins with "Must be".</summary>
    public const string Accepted =
        "an amount of EUR with at most 6 decimals and no thousands separator, for example 1.29 or 1,29";

    /// <summary>The same as a pattern for the browser, except that it accepts what may be thousands.</summary>
    public const string Pattern = @"[0-9]{1,9}([.,][0-9]{1,6})?";

    // The product of a larger amount and 1,000,000 does not fit into 64 bits.
    private const decimal Most = long.MaxValue / MicroEuro.PerEuro;

    // A decimal holds 28 digits exactly; it would silently round a longer text.
    private const int MostCharacters = 28;

    /// <summary>
    /// False unless the text is an exact amount of at least 0. The decimals follow a point or a comma. A comma that may
    /// separate thousands, as in <c>1,000</c>, is refused: read wrongly it would change the amount a thousandfold.
    /// </summary>
    public static bool TryParse(string? text, out MicroEuro amount)
    {
        amount = MicroEuro.Zero;
        text = text?.Split(',') switch
        {
            [var whole, { Length: 3 }] when whole is [not '0', ..] => null,
            [var whole, var decimals] when !decimals.Contains('.', StringComparison.Ordinal) => $"{whole}.{decimals}",
            _ => text,
        };
        if (
            text is not { Length: > 0 and <= MostCharacters }
            || !char.IsAsciiDigit(text[0])
            || !char.IsAsciiDigit(text[^1])
            || !decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var euros)
            || euros > Most
            || decimal.Truncate(euros * MicroEuro.PerEuro) != euros * MicroEuro.PerEuro
        )
        {
            return false;
        }

        amount = MicroEuro.CeilingFromEuros(euros);
        return true;
    }

    /// <summary>EUR with all its decimals.</summary>
    public static string Exact(MicroEuro amount) =>
        InEuros(amount).ToString("#,0.00####;−#,0.00####", CultureInfo.InvariantCulture);

    /// <summary>EUR with its sign and all its decimals: <c>+20.00</c>, <c>−0.000358</c>.</summary>
    public static string Signed(MicroEuro amount) =>
        InEuros(amount).ToString("+#,0.00####;−#,0.00####;0.00", CultureInfo.InvariantCulture);

    private static decimal InEuros(MicroEuro amount) => amount.Value / (decimal)MicroEuro.PerEuro;
}
