using System.Text;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Offers as a structure of arrays, one row each, in ascending order of (price, provider, offer id). So the first
/// matching row is the cheapest. Each repeated text is a code into a sorted dictionary; ids are stored end to end as
/// UTF-8. One offer takes about 40 bytes, as an object it takes about 250. Two column sets built from the same offers
/// have equal arrays.
/// </summary>
internal sealed class OfferColumns
{
    public const int TierBits = 0b011;
    public const int SpotBit = 0b100;
    public const int EncryptedBit = 0b1000;

    public required string[] Providers { get; init; }
    public required string[] Regions { get; init; }
    public required GpuShape[] Shapes
    {
        get;
        init
        {
            field = value;
            FirstShapeOf = FirstOfType(value);
        }
    }

    /// <summary>Per shape, the first shape of the same GPU type: a two-byte key of the type.</summary>
    public ushort[] FirstShapeOf { get; private init; } = [];

    /// <summary>Currencies of quotes; code 0 means "not quoted".</summary>
    public required string[] Currencies { get; init; }

    public required long[] Prices { get; init; }
    public required ushort[] ProviderOf { get; init; }
    public required ushort[] RegionOf { get; init; }
    public required ushort[] ShapeOf { get; init; }

    /// <summary>The tier in the low two bits, then the spot bit, then the bit of an encrypted path.</summary>
    public required byte[] Flags { get; init; }

    public required int[] AvailableOf { get; init; }

    /// <summary>End of each row's id in <see cref="IdText"/>; it starts at the previous row's end.</summary>
    public required int[] IdEnds { get; init; }

    public required byte[] IdText { get; init; }

    /// <summary>Quoted micro units per row; empty when no offer has a quote in another currency.</summary>
    public required long[] Quotes { get; init; }

    public required byte[] CurrencyOf { get; init; }

    public int Count => Prices.Length;

    public CapacityTier TierOf(int row) => (CapacityTier)(Flags[row] & TierBits);

    public bool IsSpot(int row) => (Flags[row] & SpotBit) != 0;

    public bool IsEncrypted(int row) => (Flags[row] & EncryptedBit) != 0;

    public GpuShape ShapeAt(int row) => Shapes[ShapeOf[row]];

    public ReadOnlySpan<byte> IdAt(int row)
    {
        var start = row == 0 ? 0 : IdEnds[row - 1];
        return IdText.AsSpan(start, IdEnds[row] - start);
    }

    public Route RouteAt(int row) =>
        new(new ProviderId(Providers[ProviderOf[row]]), Regions[RegionOf[row]], ShapeAt(row).GpuType);

    public Offer At(int row)
    {
        var shape = ShapeAt(row);
        return new Offer(
            new ProviderId(Providers[ProviderOf[row]]),
            Encoding.UTF8.GetString(IdAt(row)),
            Regions[RegionOf[row]],
            shape.GpuType,
            shape.GpuCount,
            TierOf(row),
            IsSpot(row),
            new MicroEuro(Prices[row]),
            AvailableOf[row],
            QuoteAt(row),
            IsEncrypted(row)
        );
    }

    /// <summary>The number of rows that cost at most <paramref name="price"/>; these are the first rows.</summary>
    public int CountUpTo(long price)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            (low, high) = Prices[middle] <= price ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    public int CountBelow(long price) => price == long.MinValue ? 0 : CountUpTo(price - 1);

    private QuotedPrice? QuoteAt(int row) =>
        Quotes.Length == 0 || CurrencyOf[row] == 0 ? null : new(Currencies[CurrencyOf[row]], Quotes[row]);

    private static ushort[] FirstOfType(GpuShape[] sorted)
    {
        var first = new ushort[sorted.Length];
        for (var i = 1; i < sorted.Length; i++)
        {
            var same = string.Equals(sorted[i].GpuType, sorted[i - 1].GpuType, StringComparison.Ordinal);
            first[i] = same ? first[i - 1] : (ushort)i;
        }

        return first;
    }
}
