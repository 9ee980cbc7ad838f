using System.Globalization;
using System.Text;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Instances;

/// <summary>
/// The statement of one instance list. A few conditions in one fixed order, so that the same kind of question is the same
/// text, prepared once; what was asked for is only ever bound, never part of the text.
/// </summary>
internal static class InstanceListSql
{
    /// <summary>Builds statement and values.</summary>
    /// <param name="query">Which instances.</param>
    /// <param name="limit">Rows wanted.</param>
    public static (string Sql, SqlValue[] Values) Build(InstanceQuery query, int limit)
    {
        var values = new List<SqlValue> { new("@limit", limit) };
        var common = Conditions(query, values);
        if (query.States.IsDefaultOrEmpty)
        {
            return (Page($"{Select} WHERE i.live = 1{common} {Order}"), [.. values]);
        }

        // One walk per state, each already in order and each cut off early: an index cannot give several states in one order.
        var states = query.States.Distinct().Order().ToArray();
        var sql = new StringBuilder();
        for (var i = 0; i < states.Length; i++)
        {
            var parameter = string.Create(CultureInfo.InvariantCulture, $"@state{i}");
            sql.Append(i == 0 ? "" : " UNION ALL ")
                .Append($"SELECT * FROM ({Select} WHERE i.state = ")
                .Append(parameter)
                .Append(CultureInfo.InvariantCulture, $"{common} {Order} LIMIT @limit) AS s{i}");
            values.Add(new SqlValue(parameter, states[i].ToString()));
        }

        return (
            Page(states.Length == 1 ? $"{Select} WHERE i.state = @state0{common} {Order}" : sql.ToString()),
            [.. values]
        );
    }

    private const string Select = "SELECT i.state_id, i.id, i.created_at FROM instances AS i";

    private const string Order = "ORDER BY i.created_at DESC, i.id DESC";

    // Payloads are fetched for the page alone, after its rows are known.
    private static string Page(string keys) =>
        $"SELECT k.id, k.created_at, CAST(s.payload AS TEXT) FROM ({keys}{(keys.EndsWith(Order, StringComparison.Ordinal) ? " LIMIT @limit" : "")}) AS k "
        + "JOIN states AS s USING (state_id) ORDER BY k.created_at DESC, k.id DESC LIMIT @limit";

    // Like SQLite's lower(), which made the column, and unlike .NET's it leaves other alphabets alone.
    private static string? AsciiLower(string? text) =>
        text is null ? null : string.Concat(text.Select(c => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c));

    private static string Conditions(InstanceQuery query, List<SqlValue> values)
    {
        var sql = new StringBuilder();
        Add(query.Account?.Value, "i.account = @account", "@account");
        Add(query.ServingName, "i.serving_name = @name", "@name");
        Add(query.Code == FailureCode.None ? null : query.Code.WireName(), "i.code = @code", "@code");
        Add(query.Provider, "i.provider = @provider", "@provider");
        Add(query.Region, "i.region = @region", "@region");
        Add(query.GpuType, "i.gpu_type = @gpu", "@gpu");
        Add(AsciiLower(query.Text), "instr(i.search, @text) > 0", "@text");
        if (query.After is { } after)
        {
            sql.Append(" AND (i.created_at, i.id) < (@afterTime, @afterId)");
            values.Add(new SqlValue("@afterTime", after.CreatedAt));
            values.Add(new SqlValue("@afterId", after.Id.Value));
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
