using System.Diagnostics;
using Scheduler.Domain.Instances;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

/// <summary>Sort order of an instance list: columns in the same direction, the id last.</summary>
internal sealed class InstanceOrder
{
    private static readonly InstanceOrder Newest = new(isDescending: true, "created_at", "id");
    private static readonly InstanceOrder Oldest = new(isDescending: false, "created_at", "id");
    private static readonly InstanceOrder RecentlyChanged = new(isDescending: true, "updated_at", "id");
    private static readonly InstanceOrder ServingName = new(isDescending: false, "serving_name", "created_at", "id");
    private static readonly InstanceOrder BurnRate = new(isDescending: true, "burn", "created_at", "id");

    private readonly bool _isDescending;
    private readonly string[] _columns;

    private InstanceOrder(bool isDescending, params string[] columns) =>
        (_isDescending, _columns) = (isDescending, columns);

    /// <summary>Whether the indexes per account have this order, forwards or backwards.</summary>
    public bool IsByCreation => _columns.Length == 2 && _columns[0] is "created_at";

    /// <summary>Whether the rows need the column <c>burn</c>, which is not stored with them.</summary>
    public bool IsByBurn => _columns[0] is "burn";

    public static InstanceOrder Of(InstanceSort sort) =>
        sort switch
        {
            InstanceSort.Newest => Newest,
            InstanceSort.Oldest => Oldest,
            InstanceSort.RecentlyChanged => RecentlyChanged,
            InstanceSort.ServingName => ServingName,
            InstanceSort.BurnRate => BurnRate,
            _ => throw new ArgumentOutOfRangeException(nameof(sort), sort, "Unknown sort order."),
        };

    /// <summary>Reduces the cursor of a page's last row to the values that the order needs.</summary>
    /// <param name="last">Cursor of the row, with the values of all orders.</param>
    public static InstanceCursor Cut(InstanceSort sort, InstanceCursor last) =>
        last with
        {
            UpdatedAt = sort == InstanceSort.RecentlyChanged ? last.UpdatedAt : null,
            ServingName = sort == InstanceSort.ServingName ? last.ServingName : null,
            BurnPerHour = sort == InstanceSort.BurnRate ? last.BurnPerHour : null,
        };

    public string By(string table) =>
        $"ORDER BY {string.Join(", ", _columns.Select(column => $"{table}.{column}{(_isDescending ? " DESC" : "")}"))}";

    public string Past(string table) =>
        $"({string.Join(", ", _columns.Select(column => $"{table}.{column}"))}) {(_isDescending ? '<' : '>')} ({string.Join(", ", _columns.Select(column => $"@after_{column}"))})";

    /// <exception cref="ArgumentException">The cursor belongs to another order.</exception>
    public IEnumerable<SqlValue> ValuesOf(InstanceCursor after) =>
        _columns.Select(column => new SqlValue(
            $"@after_{column}",
            column switch
            {
                "created_at" => after.CreatedAt,
                "updated_at" => after.UpdatedAt ?? throw OfAnother(nameof(after)),
                "serving_name" => after.ServingName ?? throw OfAnother(nameof(after)),
                "burn" => after.BurnPerHour?.Value ?? throw OfAnother(nameof(after)),
                "id" => after.Id.Value,
                _ => throw new UnreachableException(),
            }
        ));

    private static ArgumentException OfAnother(string parameter) =>
        new("The cursor belongs to a list in another order.", parameter);
}
