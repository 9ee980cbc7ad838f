using System.Globalization;
using System.Text;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

/// <summary>
/// Builds the SQL of instance lists. Conditions have a fixed order, so queries of the same kind share one SQL text,
/// which is prepared once. Values are always bound, never part of the text.
/// </summary>
internal static class InstanceListSql
{
    private const string Live = "i.live = 1";

    /// <summary>Builds a list statement. Its columns are the id, the rest of a cursor, then the payload.</summary>
    public static (string Sql, SqlValue[] Values) Build(InstanceQuery query, int limit)
    {
        var values = new List<SqlValue> { new("@limit", limit) };
        var order = InstanceOrder.Of(query.Sort);
        // The index by name covers the live instances of all accounts; there is no such index per account.
        var isSorted = !order.IsByCreation && (query.Sort != InstanceSort.ServingName || query.Account is not null);
        var common = $"{Conditions(query, isSorted, values)}{After(query, order, values)}";
        if (query.States.IsDefaultOrEmpty)
        {
            return (Page($"{Select(order)} WHERE {Live}{common} {order.By("i")} LIMIT @limit", order), [.. values]);
        }

        // One limited index scan per state, each already sorted, because one scan cannot return several states in the
        // requested order.
        var states = query.States.Distinct().Order().ToArray();
        var sql = new StringBuilder();
        for (var i = 0; i < states.Length; i++)
        {
            sql.Append(i == 0 ? "" : " UNION ALL ")
                .Append($"SELECT * FROM ({Select(order)} WHERE {Stands(states[i], i, query, values)}")
                .Append(CultureInfo.InvariantCulture, $"{common} {order.By("i")} LIMIT @limit) AS s{i}");
        }

        return (Page(sql.ToString(), order), [.. values]);
    }

    /// <summary>Builds a statement that counts matching instances, up to <paramref name="most"/>.</summary>
    /// <param name="query">Its order, cursor and limit are ignored.</param>
    public static (string Sql, SqlValue[] Values) BuildCount(InstanceQuery query, int most)
    {
        var values = new List<SqlValue> { new("@most", most) };
        var common = Conditions(query, isInAnyOrder: true, values);
        var which = query.States.IsDefaultOrEmpty
            ? Live
            : $"({string.Join(" OR ", query.States.Distinct().Order().Select((state, i) => Stands(state, i, query, values)))})";
        return (
            $"SELECT COUNT(*) FROM (SELECT 1 AS one FROM instances AS i WHERE {which}{common} LIMIT @most) AS c",
            [.. values]
        );
    }

    /// <summary>Builds a statement that adds the prices of running instances that match.</summary>
    /// <param name="query">Its states, order, cursor and limit are ignored.</param>
    public static (string Sql, SqlValue[] Values) BuildBurn(InstanceQuery query, int most)
    {
        var values = new List<SqlValue> { new("@most", most) };
        var running = query with { States = [InstanceState.Running] };
        var which = $"{Stands(InstanceState.Running, 0, running, values)}{Conditions(running, false, values)}";
        return (
            $"SELECT CAST(COALESCE(SUM({Price}), 0) AS BIGINT) FROM "
                + $"(SELECT i.account, i.id FROM instances AS i WHERE {which} LIMIT @most) AS r "
                + $"JOIN tabs AS t ON t.account = r.account AND t.instance = r.id WHERE {IsMetered}",
            [.. values]
        );
    }

    /// <summary>
    /// A statement that finds instances by the id of their allocation at the provider. Its columns are the id and the
    /// payload.
    /// </summary>
    /// <param name="payload">Expression for the payload as JSON; the databases differ in it.</param>
    public static string ByAllocation(string payload, bool isOfAccount) =>
        "SELECT i.id, CAST(s.payload AS TEXT) FROM instances AS i JOIN states AS s USING (state_id) "
        + "WHERE i.state IN ('Provisioning', 'Starting', 'Running', 'Stopping', 'Failed') "
        + (isOfAccount ? "AND i.account = @account " : "")
        + $"AND {payload} -> 'allocation' ->> 'providerAllocationId' = @allocation LIMIT @limit";

    private const string Price = "CAST(t.tab ->> 'pricePerHour' AS BIGINT)";

    // A tab may end shortly before or after its instance leaves the state, so both must be open.
    private const string IsMetered =
        "t.tab ->> 'meterSince' IS NOT NULL AND CAST(t.tab ->> 'closed' AS TEXT) NOT IN ('1', 'true')";

    private const string WithBurn =
        "(SELECT n.*, CASE WHEN n.state = 'Running' THEN COALESCE("
        + $"(SELECT {Price} FROM tabs AS t WHERE t.account = n.account AND t.instance = n.id AND {IsMetered}), 0) "
        + "ELSE 0 END AS burn FROM instances AS n)";

    private static string Select(InstanceOrder order) =>
        $"SELECT i.state_id, i.id, i.created_at, i.updated_at, i.serving_name, {(order.IsByBurn ? "i.burn" : "0 AS burn")} "
        + $"FROM {(order.IsByBurn ? WithBurn : "instances")} AS i";

    // Payloads are joined only for the rows of the page.
    private static string Page(string keys, InstanceOrder order) =>
        $"SELECT k.id, k.created_at, k.updated_at, k.serving_name, k.burn, CAST(s.payload AS TEXT) FROM ({keys}) AS k "
        + $"JOIN states AS s USING (state_id) {order.By("k")} LIMIT @limit";

    private static string Stands(InstanceState state, int place, InstanceQuery query, List<SqlValue> values)
    {
        var parameter = string.Create(CultureInfo.InvariantCulture, $"@state{place}");
        values.Add(new SqlValue(parameter, state.ToString()));
        // The partial index by name requires live = 1, so the condition is repeated although the state implies it.
        return query.ServingName is null || state == InstanceState.Deleted
            ? $"i.state = {parameter}"
            : $"i.state = {parameter} AND {Live}";
    }

    private static string After(InstanceQuery query, InstanceOrder order, List<SqlValue> values)
    {
        if (query.After is not { } after)
        {
            return "";
        }

        values.AddRange(order.ValuesOf(after));
        return $" AND {order.Past("i")}";
    }

    // Like SQLite's lower(), which computes the column, this changes only ASCII letters.
    private static string? AsciiLower(string? text) =>
        text is null ? null : string.Concat(text.Select(c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c));

    private static string Conditions(InstanceQuery query, bool isInAnyOrder, List<SqlValue> values)
    {
        var sql = new StringBuilder();
        Add(query.Account?.Value, "i.account = @account", "@account");
        Add(query.ServingName, "i.serving_name = @name", "@name");
        Add(query.Code == FailureCode.None ? null : query.Code.WireName(), "i.code = @code", "@code");
        Add(query.Provider, "i.provider = @provider", "@provider");
        Add(query.Region, "i.region = @region", "@region");
        Add(query.GpuType, "i.gpu_type = @gpu", "@gpu");
        Add(AsciiLower(query.Text), "instr(i.search, @text) > 0", "@text");
        if (isInAnyOrder && query.States.IsDefaultOrEmpty)
        {
            // True for all rows. SQLite has no table statistics here. Without the condition it may choose an index that
            // also contains the account's tombstones, or one that returns the rows in a scattered order.
            sql.Append(" AND i.created_at >= @always");
            values.Add(new SqlValue("@always", DateTimeOffset.UnixEpoch));
        }

        return sql.ToString();

        void Add(string? value, string condition, string parameter)
        {
            if (!string.IsNullOrEmpty(value))
            {
                sql.Append(" AND ").Append(condition);
                values.Add(new SqlValue(parameter, value));
            }
        }
    }
}
