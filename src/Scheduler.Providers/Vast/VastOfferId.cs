using System.Globalization;

namespace Scheduler.Providers.Vast;

/// <summary>An offer id: <c>ask/1234</c> on demand, <c>bid/1234/430000</c> with the bid in micro-USD per hour.</summary>
internal sealed record VastOfferId(long Ask, long? BidMicroUsd)
{
    /// <returns>Null for a text that is none.</returns>
    internal static VastOfferId? Read(string text) =>
        text.Split('/') switch
        {
            ["ask", var ask] when IsNumber(ask, out var id) => new VastOfferId(id, null),
            ["bid", var ask, var bid] when IsNumber(ask, out var id) && IsNumber(bid, out var price) => new(id, price),
            _ => null,
        };

    public override string ToString() =>
        BidMicroUsd is { } bid
            ? string.Create(CultureInfo.InvariantCulture, $"bid/{Ask}/{bid}")
            : string.Create(CultureInfo.InvariantCulture, $"ask/{Ask}");

    private static bool IsNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0;
}
