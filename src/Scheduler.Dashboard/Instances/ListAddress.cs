using System.Diagnostics;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>URL of one view of the instance list: filters, order and page cursor.</summary>
internal sealed record ListAddress
{
    private const string Path = "/dashboard/instances";

    private static readonly Dictionary<string, InstanceSort> Sorts = new(StringComparer.Ordinal)
    {
        ["newest"] = InstanceSort.Newest,
        ["oldest"] = InstanceSort.Oldest,
        ["recently-changed"] = InstanceSort.RecentlyChanged,
        ["name"] = InstanceSort.ServingName,
        ["burn-rate"] = InstanceSort.BurnRate,
    };

    /// <summary>Names of the orders in URLs.</summary>
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

    public bool IsFiltered =>
        new[] { Text, State, Code, Provider, Region, Gpu, Account }.Any(filter => !string.IsNullOrEmpty(filter));

    /// <summary>The order; newest first without a known name.</summary>
    public InstanceSort Order => Sorts.GetValueOrDefault(Sort ?? "");

    /// <summary>The query of the view; unknown values are ignored.</summary>
    /// <param name="account">Account to list; null for all.</param>
    public InstanceQuery Query(AccountId? account, int limit) =>
        new()
        {
            Account = account,
            States = InstanceStates.TryParse(State, out var state) ? [state] : [],
            Code = FailureCodes.TryParse(Code ?? "", out var code) ? code : FailureCode.None,
            Provider = NullIfEmpty(Provider),
            Region = NullIfEmpty(Region),
            GpuType = NullIfEmpty(Gpu),
            Text = NullIfEmpty(Text),
            Sort = Order,
            After = TryRead(After) is { } cursor && IsOf(Order, cursor) ? cursor : null,
            Limit = limit,
        };

    /// <summary>The same view at its first page.</summary>
    public ListAddress First() => this with { After = null };

    public ListAddress By(string sort) => this with { Sort = sort, After = null };

    public ListAddress From(InstanceCursor cursor) => this with { After = Write(cursor) };

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

    /// <summary>
    /// A cursor as text <c>created~id~updated~name~burn</c>, times in UTC ticks, the burn rate in micro-EUR per hour; parts that
    /// the order does not need are empty.
    /// </summary>
    internal static string Write(InstanceCursor cursor) =>
        string.Join(
            '~',
            Ticks(cursor.CreatedAt),
            cursor.Id.Value,
            cursor.UpdatedAt is { } updated ? Ticks(updated) : "",
            cursor.ServingName ?? "",
            cursor.BurnPerHour is { } burn ? burn.Value.ToString(CultureInfo.InvariantCulture) : ""
        );

    /// <summary>Parses a cursor; null for any other text.</summary>
    internal static InstanceCursor? TryRead(string? text) =>
        text?.Split('~') is [var created, var id, var updated, var name, var burn]
        && Time(created) is { } at
        && id.Length > 0
            ? new InstanceCursor(at, new InstanceId(id))
            {
                UpdatedAt = Time(updated),
                ServingName = NullIfEmpty(name),
                BurnPerHour = Number(burn) is { } perHour ? new MicroEuro(perHour) : null,
            }
            : null;

    /// <summary>
    /// Whether a cursor has the parts that the order needs; the query refuses a cursor of another order.
    /// </summary>
    private static bool IsOf(InstanceSort order, InstanceCursor cursor) =>
        order switch
        {
            InstanceSort.Newest or InstanceSort.Oldest => true,
            InstanceSort.RecentlyChanged => cursor.UpdatedAt is not null,
            InstanceSort.ServingName => cursor.ServingName is not null,
            InstanceSort.BurnRate => cursor.BurnPerHour is not null,
            _ => throw new UnreachableException(),
        };

    private static string Ticks(DateTimeOffset at) => at.UtcTicks.ToString(CultureInfo.InvariantCulture);

    private static DateTimeOffset? Time(string ticks) =>
        Number(ticks) is { } value && value <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(value, TimeSpan.Zero)
            : null;

    private static long? Number(string digits) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    // Control characters occur in no name; some databases report an error for them.
    private static string? NullIfEmpty(string? text) =>
        string.IsNullOrEmpty(text) || text.Any(char.IsControl) ? null : text;
}
