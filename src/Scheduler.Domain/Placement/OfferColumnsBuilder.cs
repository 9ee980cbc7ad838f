using System.Runtime.InteropServices;
using System.Text;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Collects rows in any order and seals them into <see cref="OfferColumns"/>. A replacement of one provider's offers
/// and a build from nothing give the same result. Both use one path: old rows in, new offers in, seal.
/// </summary>
internal sealed class OfferColumnsBuilder
{
    private readonly ValueCodes<string> _providers = new(ushort.MaxValue);
    private readonly ValueCodes<string> _regions = new(ushort.MaxValue);
    private readonly ValueCodes<GpuShape> _shapes = new(ushort.MaxValue);
    private readonly ValueCodes<string> _currencies = new(byte.MaxValue);
    private readonly HashSet<(int Provider, string Id)> _known = [];
    private Row[] _rows;
    private int _count;
    private byte[] _idText;
    private int _idLength;
    private bool _quoted;

    public OfferColumnsBuilder(int capacity)
    {
        _rows = new Row[Math.Max(capacity, 16)];
        _idText = new byte[_rows.Length * 16];
        _currencies.TryCode("", out _);
    }

    /// <summary>Adds one offer; returns null, or the reason why the offer is unusable.</summary>
    public OfferFault? TryAdd(Offer offer)
    {
        var fault = FaultOf(offer);
        if (fault is not null)
        {
            return fault;
        }

        // A refused offer must leave no entry in the dictionaries, so the id is checked before the other texts get
        // codes.
        if (!_providers.TryCode(offer.Provider.Value, out var provider))
        {
            return OfferFault.TooManyDistinctValues;
        }

        if (!_known.Add((provider, offer.OfferId)))
        {
            return OfferFault.DuplicateId;
        }

        var numbered =
            _regions.TryCode(offer.Region, out var region)
            & _shapes.TryCode(new GpuShape(offer.GpuType, offer.GpuCount), out var shape)
            & _currencies.TryCode(offer.Quoted?.Currency ?? "", out var currency);
        if (!numbered)
        {
            return OfferFault.TooManyDistinctValues;
        }

        Append(
            new Row
            {
                Price = offer.PricePerHour.Value,
                Quote = offer.Quoted?.MicroUnitsPerHour ?? 0,
                Available = offer.Available,
                IdStart = _idLength,
                IdLength = AppendId(offer.OfferId),
                Provider = provider,
                Region = region,
                Shape = shape,
                Currency = (byte)currency,
                Flags = (byte)(
                    (int)offer.Tier
                    | (offer.Spot ? OfferColumns.SpotBit : 0)
                    | (offer.EncryptedPath ? OfferColumns.EncryptedBit : 0)
                ),
            }
        );
        return null;
    }

    public void AddAllExcept(OfferColumns old, ProviderId except)
    {
        var providers = new int[old.Providers.Length];
        var regions = new int[old.Regions.Length];
        var shapes = new int[old.Shapes.Length];
        for (var row = 0; row < old.Count; row++)
        {
            var name = old.Providers[old.ProviderOf[row]];
            if (string.Equals(name, except.Value, StringComparison.Ordinal))
            {
                continue;
            }

            var currency = old.Quotes.Length == 0 ? 0 : _currencies.Code(old.Currencies[old.CurrencyOf[row]]);
            var id = old.IdAt(row);
            Reserve(id.Length);
            id.CopyTo(_idText.AsSpan(_idLength));
            Append(
                new Row
                {
                    Price = old.Prices[row],
                    Quote = old.Quotes.Length == 0 ? 0 : old.Quotes[row],
                    Available = old.AvailableOf[row],
                    IdStart = _idLength,
                    IdLength = id.Length,
                    Provider = Translate(providers, old.ProviderOf[row], name, _providers),
                    Region = Translate(regions, old.RegionOf[row], old.Regions[old.RegionOf[row]], _regions),
                    Shape = Translate(shapes, old.ShapeOf[row], old.Shapes[old.ShapeOf[row]], _shapes),
                    Currency = (byte)currency,
                    Flags = old.Flags[row],
                }
            );
            _idLength += id.Length;
        }
    }

    public OfferColumns Seal()
    {
        // 1. Sorted dictionaries: codes compare like the texts, and equal catalogues get equal codes.
        var providers = _providers.Sorted(StringComparer.Ordinal, out var providerCode);
        var regions = _regions.Sorted(StringComparer.Ordinal, out var regionCode);
        var shapes = _shapes.Sorted(Comparer<GpuShape>.Default, out var shapeCode);
        var currencies = _currencies.Sorted(StringComparer.Ordinal, out var currencyCode);
        for (var i = 0; i < _count; i++)
        {
            ref var row = ref _rows[i];
            row.Provider = providerCode[row.Provider];
            row.Region = regionCode[row.Region];
            row.Shape = shapeCode[row.Shape];
            row.Currency = (byte)currencyCode[row.Currency];
        }

        // 2. Rows in order of price, provider and id.
        var order = InOrder();

        // 3. The columns.
        var columns = new OfferColumns
        {
            Providers = providers,
            Regions = regions,
            Shapes = shapes,
            Currencies = currencies,
            Prices = new long[_count],
            ProviderOf = new ushort[_count],
            RegionOf = new ushort[_count],
            ShapeOf = new ushort[_count],
            Flags = new byte[_count],
            AvailableOf = new int[_count],
            IdEnds = new int[_count],
            IdText = new byte[_idLength],
            Quotes = _quoted ? new long[_count] : [],
            CurrencyOf = _quoted ? new byte[_count] : [],
        };
        Fill(columns, order);
        return columns;
    }

    private static OfferFault? FaultOf(Offer offer)
    {
        if (offer.PricePerHour.Value < 0)
        {
            return OfferFault.NegativePrice;
        }

        if (offer.GpuCount < 1)
        {
            return OfferFault.NoGpu;
        }

        if (offer.Available < 0)
        {
            return OfferFault.NegativeAvailability;
        }

        if (offer.Tier is < CapacityTier.Community or > CapacityTier.Dedicated)
        {
            return OfferFault.UnknownTier;
        }

        var named =
            !string.IsNullOrEmpty(offer.Provider.Value)
            && !string.IsNullOrEmpty(offer.OfferId)
            && !string.IsNullOrEmpty(offer.Region)
            && !string.IsNullOrEmpty(offer.GpuType);
        return named ? null : OfferFault.NameMissing;
    }

    private static int Translate<T>(int[] known, int oldCode, T value, ValueCodes<T> codes)
        where T : notnull
    {
        if (known[oldCode] == 0)
        {
            known[oldCode] = codes.Code(value) + 1;
        }

        return known[oldCode] - 1;
    }

    private int AppendId(string id)
    {
        Reserve(Encoding.UTF8.GetMaxByteCount(id.Length));
        var written = Encoding.UTF8.GetBytes(id, _idText.AsSpan(_idLength));
        _idLength += written;
        return written;
    }

    private void Reserve(int bytes)
    {
        if (_idText.Length - _idLength < bytes)
        {
            Array.Resize(ref _idText, (_idText.Length * 2) + bytes);
        }
    }

    private void Append(in Row row)
    {
        if (_count == _rows.Length)
        {
            Array.Resize(ref _rows, _rows.Length * 2);
        }

        _rows[_count++] = row;
        _quoted |= row.Currency != 0;
    }

    /// <summary>Sorts by price with primitive keys (fast), then each run of equal prices by provider and id.</summary>
    private int[] InOrder()
    {
        var prices = new long[_count];
        var order = new int[_count];
        for (var i = 0; i < _count; i++)
        {
            (prices[i], order[i]) = (_rows[i].Price, i);
        }

        Array.Sort(prices, order);
        for (var start = 0; start < _count; )
        {
            var end = start + 1;
            while (end < _count && prices[end] == prices[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                order.AsSpan(start, end - start).Sort(ByProviderThenId);
            }

            start = end;
        }

        return order;
    }

    private int ByProviderThenId(int a, int b)
    {
        ref readonly var left = ref _rows[a];
        ref readonly var right = ref _rows[b];
        return left.Provider != right.Provider
            ? left.Provider.CompareTo(right.Provider)
            : IdOf(left).SequenceCompareTo(IdOf(right));
    }

    private ReadOnlySpan<byte> IdOf(in Row row) => _idText.AsSpan(row.IdStart, row.IdLength);

    private void Fill(OfferColumns columns, int[] order)
    {
        var idEnd = 0;
        for (var i = 0; i < order.Length; i++)
        {
            ref readonly var row = ref _rows[order[i]];
            columns.Prices[i] = row.Price;
            columns.ProviderOf[i] = (ushort)row.Provider;
            columns.RegionOf[i] = (ushort)row.Region;
            columns.ShapeOf[i] = (ushort)row.Shape;
            columns.Flags[i] = row.Flags;
            columns.AvailableOf[i] = row.Available;
            IdOf(row).CopyTo(columns.IdText.AsSpan(idEnd));
            idEnd += row.IdLength;
            columns.IdEnds[i] = idEnd;
            if (_quoted)
            {
                columns.Quotes[i] = row.Quote;
                columns.CurrencyOf[i] = row.Currency;
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Row
    {
        public long Price;
        public long Quote;
        public int Available;
        public int IdStart;
        public int IdLength;
        public int Provider;
        public int Region;
        public int Shape;
        public byte Currency;
        public byte Flags;
    }
}
