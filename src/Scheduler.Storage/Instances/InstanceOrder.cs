using System.Diagnostics;
using Scheduler.Domain.Instances;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

/// <summary>One order of an instance list in SQL: by some columns, all in one direction, the id last.</summary>
internal sealed class InstanceOrder
{
    private static readonly InstanceOrder Newest = new(isDescending: true, "created_at", "id");
    private static readonly InstanceOrder Oldest = new(isDescending: false, "created_at", "id");
    private static readonly InstanceOrder RecentlyChanged = new(isDescending: true, "updated_at", "id");
    private static readonly InstanceOrder ServingName = new(isDescending: false, "serving_name", "created_at", "id");

    private readonly bool _isDescending;
    private readonly string[] _columns;

    private InstanceOrder(bool isDescending, params string[] columns) =>
        (_isDescending, _columns) = (isDescending, columns);

    /// <summary>Whether the indexes for accounts are in this order, forwards or backwards.</summary>
    public bool IsByCreation => _columns.Length == 2 && _columns[0] is "created_at";

    /// <summary>The order of a sort.</summary>
    public static InstanceOrder Of(InstanceSort sort) =>
        sort switch
        {
            InstanceSort.Newest => Newest,
            InstanceSort.Oldest => Oldest,
            InstanceSort.RecentlyChanged => RecentlyChanged,
            InstanceSort.ServingName => ServingName,
            _ => throw new ArgumentOutOfRangeException(nameof(sort), sort, "No such order."),
        };

    /// <summary>The cursor that says a page in an order ended with a row.</summary>
    /// <param name="sort">The order.</param>
    /// <param name="last">The row, with everything any order needs.</param>
    public static InstanceCursor Cut(InstanceSort sort, InstanceCursor last) =>
        last with
        {
            UpdatedAt = sort == InstanceSort.RecentlyChanged ? last.UpdatedAt : null,
            ServingName = sort == InstanceSort.ServingName ? last.ServingName : null,
        };

    /// <summary>The clause that sorts.</summary>
    /// <param name="table">Name of the table in the statement.</param>
    public string By(string table) =>
        $"ORDER BY {string.Join(", ", _columns.Select(column => $"{table}.{column}{(_isDescending ? " DESC" : "")}"))}";

    /// <summary>The condition on rows that come after a cursor.</summary>
    /// <param name="table">Name of the table in the statement.</param>
    public string Past(string table) =>
        $"({string.Join(", ", _columns.Select(column => $"{table}.{column}"))}) {(_isDescending ? '<' : '>')} ({string.Join(", ", _columns.Select(column => $"@after_{column}"))})";

    /// <summary>What <see cref="Past"/> compares with.</summary>
    /// <exception cref="ArgumentException">The cursor is of another order.</exception>
    public IEnumerable<SqlValue> ValuesOf(InstanceCursor after) =>
        _columns.Select(column => new SqlValue(
            $"@after_{column}",
            column switch
            {
                "created_at" => after.CreatedAt,
                "updated_at" => after.UpdatedAt ?? throw OfAnother(nameof(after)),
                "serving_name" => after.ServingName ?? throw OfAnother(nameof(after)),
                "id" => after.Id.Value,
                _ => throw new UnreachableException(),
            }
        ));

    private static ArgumentException OfAnother(string parameter) =>
        new("The cursor is of a list in another order.", parameter);
}
