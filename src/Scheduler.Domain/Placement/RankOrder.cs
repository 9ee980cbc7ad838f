using System.Collections.Immutable;

namespace Scheduler.Domain.Placement;

/// <summary>
/// The objective: ranks one matching row ahead of another. Row numbers are in order of (price, provider, id), so the
/// first and the last criterion need no lookup. Preferences and history are looked up for equal prices only.
/// </summary>
internal sealed class RankOrder(OfferSnapshot snapshot, PlacementRequest request)
{
    private readonly OfferColumns _columns = snapshot.Columns;
    private readonly SmartConstraints _constraints = request.Constraints;
    private readonly PlacementState _state = request.State;
    private readonly ulong[] _lastRoutes = LastRoutes(snapshot.Columns, request.State);
    private readonly int[] _lastProviders = LastProviders(snapshot.Columns, request.State);

    /// <summary>The row's route is cooling down, or its route or provider failed this instance before.</summary>
    public bool RanksLast(int row) =>
        (_lastRoutes.Length > 0 && _lastRoutes.AsSpan().Contains(RouteKey(_columns, row)))
        || (_lastProviders.Length > 0 && _lastProviders.AsSpan().Contains(_columns.ProviderOf[row]));

    public bool CostsMore(int row, int than) => _columns.Prices[row] > _columns.Prices[than];

    /// <summary>Below zero when <paramref name="a"/> is better. Both rows have to rank last, or neither.</summary>
    public int Compare(int a, int b, out RankCriterion criterion)
    {
        criterion = RankCriterion.Price;
        var order = _columns.Prices[a].CompareTo(_columns.Prices[b]);
        if (order != 0)
        {
            return order;
        }

        criterion = RankCriterion.GpuPreference;
        order = ByPreference(_constraints.GpuPreferences, _columns.ShapeAt(a).GpuType, _columns.ShapeAt(b).GpuType);
        if (order != 0)
        {
            return order;
        }

        criterion = RankCriterion.ProviderPreference;
        order = ByPreference(_constraints.ProviderPreferences, ProviderAt(a), ProviderAt(b));
        return order != 0 ? order : ByHistory(a, b, out criterion);
    }

    private int ByHistory(int a, int b, out RankCriterion criterion)
    {
        if (_state.Routes.IsEmpty && _state.Providers.IsEmpty)
        {
            criterion = RankCriterion.Name;
            return a.CompareTo(b);
        }

        var left = _state.TrackOf(_columns.RouteAt(a));
        var right = _state.TrackOf(_columns.RouteAt(b));
        criterion = RankCriterion.AllocationSuccess;
        var order = right.SuccessRatio.CompareTo(left.SuccessRatio);
        if (order != 0)
        {
            return order;
        }

        criterion = RankCriterion.TimeToAllocate;
        order = left.TimeToAllocate.CompareTo(right.TimeToAllocate);
        if (order != 0)
        {
            return order;
        }

        criterion = RankCriterion.Name;
        return a.CompareTo(b);
    }

    private string ProviderAt(int row) => _columns.Providers[_columns.ProviderOf[row]];

    private static int ByPreference(ImmutableArray<string> preferences, string a, string b) =>
        preferences.IsEmpty ? 0 : PlaceIn(preferences, a).CompareTo(PlaceIn(preferences, b));

    private static int PlaceIn(ImmutableArray<string> preferences, string value)
    {
        var place = preferences.IndexOf(value, 0, preferences.Length, StringComparer.Ordinal);
        return place < 0 ? int.MaxValue : place;
    }

    /// <summary>In one number; the first shape of a GPU type identifies the type.</summary>
    private static ulong RouteKey(OfferColumns columns, int row) =>
        Key(columns.ProviderOf[row], columns.RegionOf[row], columns.FirstShapeOf[columns.ShapeOf[row]]);

    private static ulong Key(int provider, int region, int firstShape) =>
        ((ulong)provider << 32) | ((ulong)region << 16) | (uint)firstShape;

    private static int[] LastProviders(OfferColumns columns, PlacementState state) =>
        state.AvoidedProviders.IsEmpty
            ? []
            :
            [
                .. state
                    .AvoidedProviders.Select(provider => OfferSnapshot.CodeOf(columns.Providers, provider.Value))
                    .Where(code => code >= 0),
            ];

    private static ulong[] LastRoutes(OfferColumns columns, PlacementState state)
    {
        if (state.Cooling.IsEmpty && state.Avoided.IsEmpty)
        {
            return [];
        }

        var keys = new HashSet<ulong>();
        foreach (var route in state.Cooling.Concat(state.Avoided))
        {
            var provider = OfferSnapshot.CodeOf(columns.Providers, route.Provider.Value);
            var region = OfferSnapshot.CodeOf(columns.Regions, route.Region);
            // A count of 0 sorts just before all shapes of the type, because counts are ≥ 1.
            var shape = ~Array.BinarySearch(columns.Shapes, new GpuShape(route.GpuType, 0));
            var known = provider >= 0 && region >= 0 && shape < columns.Shapes.Length;
            if (known && string.Equals(columns.Shapes[shape].GpuType, route.GpuType, StringComparison.Ordinal))
            {
                keys.Add(Key(provider, region, shape));
            }
        }

        return [.. keys];
    }
}
