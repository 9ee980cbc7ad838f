using System.Diagnostics;
using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>One view of the list of instances, as its address has it: every filter, the order, and where the page begins.</summary>
internal sealed record ListAddress
{
    private const string Path = "/dashboard/instances";

    private static readonly Dictionary<string, InstanceSort> Sorts = new(StringComparer.Ordinal)
    {
        ["newest"] = InstanceSort.Newest,
        ["oldest"] = InstanceSort.Oldest,
        ["recently-changed"] = InstanceSort.RecentlyChanged,
        ["name"] = InstanceSort.ServingName,
    };

    /// <summary>The words of the orders, as they stand in addresses.</summary>
    public static IEnumerable<string> SortWords => Sorts.Keys;

    public string? Text { get; init; }

    public string? State { get; init; }

    public string? Code { get; init; }

    public string? Provider { get; init; }

    public string? Region { get; init; }

    public string? Gpu { get; init; }

    public string? Account { get; init; }

    public string? Sort { get; init; }

    public string? After { get; init; }

    /// <summary>Whether anything is filtered.</summary>
    public bool IsFiltered =>
        new[] { Text, State, Code, Provider, Region, Gpu, Account }.Any(filter => !string.IsNullOrEmpty(filter));

    /// <summary>The order; newest first where none is named.</summary>
    public InstanceSort Order => Sorts.GetValueOrDefault(Sort ?? "");

    /// <summary>What is asked; words that mean nothing ask for nothing in particular.</summary>
    /// <param name="account">Whose, as these eyes may see; null for all.</param>
    /// <param name="limit">At most so many.</param>
    public InstanceQuery Query(AccountId? account, int limit) =>
        new()
        {
            Account = account,
            States = InstanceWords.TryParse(State, out var state) ? [state] : [],
            Code = FailureCodes.TryParse(Code ?? "", out var code) ? code : FailureCode.None,
            Provider = NullIfEmpty(Provider),
            Region = NullIfEmpty(Region),
            GpuType = NullIfEmpty(Gpu),
            Text = NullIfEmpty(Text),
            Sort = Order,
            After = TryRead(After) is { } cursor && IsOf(Order, cursor) ? cursor : null,
            Limit = limit,
        };

    /// <summary>The same view from its first page on.</summary>
    public ListAddress First() => this with { After = null };

    /// <summary>The same view in another order.</summary>
    public ListAddress By(string sort) => this with { Sort = sort, After = null };

    /// <summary>The page after a cursor.</summary>
    public ListAddress From(InstanceCursor cursor) => this with { After = Write(cursor) };

    /// <inheritdoc/>
    public override string ToString()
    {
        var parts = new (string Name, string? Value)[]
        {
            ("q", Text),
            ("state", State),
            ("code", Code),
            ("provider", Provider),
            ("region", Region),
            ("gpu", Gpu),
            ("account", Account),
            ("sort", Sort),
            ("after", After),
        };
        var query = string.Join(
            '&',
            parts
                .Where(part => !string.IsNullOrEmpty(part.Value))
                .Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}")
        );
        return query.Length > 0 ? $"{Path}?{query}" : Path;
    }

    /// <summary>A cursor as text: creation and change in UTC ticks, the id, the name; nothing where an order does not need it.</summary>
    internal static string Write(InstanceCursor cursor) =>
        string.Join(
            '~',
            Ticks(cursor.CreatedAt),
            cursor.Id.Value,
            cursor.UpdatedAt is { } updated ? Ticks(updated) : "",
            cursor.ServingName ?? ""
        );

    /// <summary>The cursor of a text; null for none or another.</summary>
    internal static InstanceCursor? TryRead(string? text) =>
        text?.Split('~') is [var created, var id, var updated, var name] && Time(created) is { } at && id.Length > 0
            ? new InstanceCursor(at, new InstanceId(id)) { UpdatedAt = Time(updated), ServingName = NullIfEmpty(name) }
            : null;

    /// <summary>Whether a cursor says what an order needs; one of another order would be refused.</summary>
    private static bool IsOf(InstanceSort order, InstanceCursor cursor) =>
        order switch
        {
            InstanceSort.Newest or InstanceSort.Oldest => true,
            InstanceSort.RecentlyChanged => cursor.UpdatedAt is not null,
            InstanceSort.ServingName => cursor.ServingName is not null,
            _ => throw new UnreachableException(),
        };

    private static string Ticks(DateTimeOffset at) => at.UtcTicks.ToString(CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(string ticks) =>
        long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
        && value <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(value, TimeSpan.Zero)
            : null;

    // A character that no name has would be an error to some databases, and matches nothing in the others.
    private static string? NullIfEmpty(string? text) =>
        string.IsNullOrEmpty(text) || text.Any(char.IsControl) ? null : text;
}
