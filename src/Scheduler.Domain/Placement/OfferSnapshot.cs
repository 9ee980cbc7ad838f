using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>
/// All providers' offers at one moment, indexed for search: rows in price order, and one bit plane or row list per
/// value of each column. Immutable: a refresh builds a new snapshot and the owner swaps one reference. A decision in
/// progress continues with the snapshot it started with, and no caller waits.
/// </summary>
public sealed class OfferSnapshot
{
    private readonly ImmutableSortedDictionary<string, ImmutableArray<OfferFaultCount>> _faults;
    private readonly ulong[] _unavailable;
    private readonly ulong[] _spot;
    private readonly ulong[] _unencrypted;
    private readonly ulong[] _belowStandard;
    private readonly ulong[] _belowDedicated;

    // An entry exists as long as its ShapeFit does, and the whole table as long as the snapshot.
    private readonly ConditionalWeakTable<ShapeFit, ulong[]> _unfit = [];

    private OfferSnapshot(
        OfferColumns columns,
        long epoch,
        ImmutableSortedDictionary<string, ImmutableArray<OfferFaultCount>> faults
    )
    {
        Columns = columns;
        Epoch = epoch;
        _faults = faults;
        Words = BitPlane.WordsFor(columns.Count);
        Shapes = [.. columns.Shapes];
        _unavailable = new ulong[Words];
        _spot = new ulong[Words];
        _unencrypted = new ulong[Words];
        _belowStandard = new ulong[Words];
        _belowDedicated = new ulong[Words];
        MarkRows();
        ByProvider = ValueIndex.Build(columns.ProviderOf, columns.Providers.Length, Words);
        ByRegion = ValueIndex.Build(columns.RegionOf, columns.Regions.Length, Words);
        (GpuTypes, GpuCounts, ByGpuType, ByGpuCount) = IndexShapes();
    }

    /// <summary>A snapshot without offers, epoch 0; used before the first refresh.</summary>
    public static OfferSnapshot Empty { get; } = Build([], 0);

    /// <summary>The number of the refresh; grows with each refresh. Part of each decision's certificate.</summary>
    public long Epoch { get; }

    public int Count => Columns.Count;

    /// <summary>Sorted by name and count.</summary>
    public ImmutableArray<GpuShape> Shapes { get; }

    /// <summary>Sorted.</summary>
    public IReadOnlyList<string> Providers => Columns.Providers;

    /// <summary>Sorted.</summary>
    public IReadOnlyList<string> Regions => Columns.Regions;

    public ImmutableArray<OfferFaultCount> Faults => [.. _faults.Values.SelectMany(counts => counts)];

    public int Skipped => _faults.Values.Sum(counts => counts.Sum(count => count.Offers));

    internal OfferColumns Columns { get; }

    internal int Words { get; }

    internal ValueIndex ByProvider { get; }

    internal ValueIndex ByRegion { get; }

    internal ValueIndex ByGpuType { get; }

    internal ValueIndex ByGpuCount { get; }

    internal string[] GpuTypes { get; }

    internal int[] GpuCounts { get; }

    /// <summary>Builds a snapshot from all providers' offers. Invalid offers are left out and counted.</summary>
    /// <param name="epoch">Number of this refresh; greater than that of the previous one.</param>
    public static OfferSnapshot Build(IEnumerable<Offer> offers, long epoch)
    {
        var builder = new OfferColumnsBuilder(offers.TryGetNonEnumeratedCount(out var count) ? count : 0);
        var faults = AddAll(builder, offers, owner: null);
        return new OfferSnapshot(builder.Seal(), epoch, faults);
    }

    /// <param name="offers">All offers that the provider lists now; empty when it lists none.</param>
    /// <param name="epoch">Number of this refresh; greater than <see cref="Epoch"/>.</param>
    public OfferSnapshot WithProvider(ProviderId provider, IEnumerable<Offer> offers, long epoch)
    {
        var builder = new OfferColumnsBuilder(Count + (offers.TryGetNonEnumeratedCount(out var count) ? count : 0));
        builder.AddAllExcept(Columns, provider);
        var faults = _faults.Remove(provider.Value).AddRange(AddAll(builder, offers, provider));
        return new OfferSnapshot(builder.Seal(), epoch, faults);
    }

    /// <summary>All offers as objects, cheapest first. Slow; for display and tests, not for search.</summary>
    public IEnumerable<Offer> Offers()
    {
        for (var row = 0; row < Count; row++)
        {
            yield return Columns.At(row);
        }
    }

    /// <summary>Null when it is not listed (any more).</summary>
    public Offer? Find(ProviderId provider, string offerId)
    {
        var code = CodeOf(Columns.Providers, provider.Value);
        if (code < 0)
        {
            return null;
        }

        var id = System.Text.Encoding.UTF8.GetBytes(offerId);
        for (var row = 0; row < Count; row++)
        {
            if (Columns.ProviderOf[row] == code && Columns.IdAt(row).SequenceEqual(id))
            {
                return Columns.At(row);
            }
        }

        return null;
    }

    /// <summary>The code of a text in a sorted dictionary; negative when the text is not in it.</summary>
    internal static int CodeOf(string[] sorted, string text) =>
        Array.BinarySearch(sorted, text, StringComparer.Ordinal);

    internal BitPlane Unavailable() => BitPlane.Of(_unavailable);

    internal BitPlane Spot() => BitPlane.Of(_spot);

    internal BitPlane Unencrypted() => BitPlane.Of(_unencrypted);

    internal BitPlane BelowTier(CapacityTier tier) =>
        BitPlane.Of(tier >= CapacityTier.Dedicated ? _belowDedicated : _belowStandard);

    internal BitPlane Unfit(ShapeFit fit) => BitPlane.Of(_unfit.GetValue(fit, MarkUnfit));

    internal int CountUpTo(MicroEuro price) => Columns.CountUpTo(price.Value);

    private static ImmutableSortedDictionary<string, ImmutableArray<OfferFaultCount>> AddAll(
        OfferColumnsBuilder builder,
        IEnumerable<Offer> offers,
        ProviderId? owner
    )
    {
        var counts = new SortedDictionary<(string Provider, OfferFault Fault), int>();
        foreach (var offer in offers)
        {
            var foreign = owner is { } id && offer.Provider != id;
            var fault = foreign ? OfferFault.ForeignProvider : builder.TryAdd(offer);
            if (fault is { } reason)
            {
                var key = ((owner ?? offer.Provider).Value ?? "", reason);
                counts[key] = counts.GetValueOrDefault(key) + 1;
            }
        }

        return counts
            .GroupBy(pair => pair.Key.Provider, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(
                group => group.Key,
                group =>
                    group
                        .Select(pair => new OfferFaultCount(new ProviderId(group.Key), pair.Key.Fault, pair.Value))
                        .ToImmutableArray(),
                StringComparer.Ordinal
            );
    }

    private void MarkRows()
    {
        for (var row = 0; row < Columns.Count; row++)
        {
            if (Columns.AvailableOf[row] == 0)
            {
                BitPlane.Set(_unavailable, row);
            }

            if (Columns.IsSpot(row))
            {
                BitPlane.Set(_spot, row);
            }

            if (!Columns.IsEncrypted(row))
            {
                BitPlane.Set(_unencrypted, row);
            }

            var tier = Columns.TierOf(row);
            if (tier < CapacityTier.Standard)
            {
                BitPlane.Set(_belowStandard, row);
            }

            if (tier < CapacityTier.Dedicated)
            {
                BitPlane.Set(_belowDedicated, row);
            }
        }
    }

    private (string[] Types, int[] Counts, ValueIndex ByType, ValueIndex ByCount) IndexShapes()
    {
        // Shapes are sorted by name, so the distinct names are sorted too.
        var types = Columns.Shapes.Select(shape => shape.GpuType).Distinct(StringComparer.Ordinal).ToArray();
        var counts = Columns.Shapes.Select(shape => shape.GpuCount).Distinct().Order().ToArray();
        var typeOfShape = Array.ConvertAll(Columns.Shapes, shape => (ushort)CodeOf(types, shape.GpuType));
        var countOfShape = Array.ConvertAll(
            Columns.Shapes,
            shape => (ushort)Array.BinarySearch(counts, shape.GpuCount)
        );
        var typeOf = Array.ConvertAll(Columns.ShapeOf, shape => typeOfShape[shape]);
        var countOf = Array.ConvertAll(Columns.ShapeOf, shape => countOfShape[shape]);
        return (
            types,
            counts,
            ValueIndex.Build(typeOf, types.Length, Words),
            ValueIndex.Build(countOf, counts.Length, Words)
        );
    }

    private ulong[] MarkUnfit(ShapeFit fit)
    {
        var unfit = Array.ConvertAll(Columns.Shapes, shape => !fit.Fits(shape));
        var plane = new ulong[Words];
        for (var row = 0; row < Columns.Count; row++)
        {
            if (unfit[Columns.ShapeOf[row]])
            {
                BitPlane.Set(plane, row);
            }
        }

        return plane;
    }
}
