using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Amounts as people write them into a field, <c>1.29</c>, and as a ledger shows them: exact to the micro-EUR or refused, never rounded.
/// </summary>
internal static class EuroText
{
    /// <summary>What is accepted, to follow "Must be".</summary>
    public const string Accepted = "an amount of EUR with a point and at most 6 decimals, for example 1.29";

    /// <summary>The same as a pattern, for a browser to check first.</summary>
    public const string Pattern = @"[0-9]{1,9}(\.[0-9]{1,6})?";

    // Past this no product with 1,000,000 fits 64 bits.
    private const decimal Most = long.MaxValue / MicroEuro.PerEuro;

    // A decimal holds so many digits exactly; the last of a longer text would be rounded away unseen.
    private const int MostCharacters = 28;

    /// <summary>Reads one; false for anything that is not exactly an amount from 0 on.</summary>
    public static bool TryParse(string? text, out MicroEuro amount)
    {
        amount = MicroEuro.Zero;
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

    /// <summary>EUR with every decimal it has.</summary>
    public static string Exact(MicroEuro amount) =>
        InEuros(amount).ToString("#,0.00####;−#,0.00####", CultureInfo.InvariantCulture);

    /// <summary>EUR with its sign and every decimal it has: <c>+20.00</c>, <c>−0.000358</c>.</summary>
    public static string Signed(MicroEuro amount) =>
        InEuros(amount).ToString("+#,0.00####;−#,0.00####;0.00", CultureInfo.InvariantCulture);

    private static decimal InEuros(MicroEuro amount) => amount.Value / (decimal)MicroEuro.PerEuro;
}
