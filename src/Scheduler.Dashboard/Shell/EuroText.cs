using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Dashboard.Shell;

/// <summary>Amounts as people write them into a field: <c>1.29</c>; exact to the micro-EUR or refused, never rounded.</summary>
internal static class EuroText
{
    /// <summary>What is accepted, to follow "Must be".</summary>
    public const string Accepted = "an amount of EUR with a point and at most 6 decimals, for example 1.29";

    // Past this no product with 1,000,000 fits 64 bits.
    private const decimal Most = long.MaxValue / MicroEuro.PerEuro;

    // A decimal holds so many digits exactly; the last of a longer text would be rounded away unseen.
    private const int MostCharacters = 28;

    /// <summary>Reads one; false for anything that is not exactly an amount from 0 on.</summary>
    public static bool TryParse(string? text, out MicroEuro amount)
    {
        amount = MicroEuro.Zero;
        if (
            text is not { Length: <= MostCharacters }
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
}
