using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Storage.PostgreSql;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Billing;

internal sealed class SqlQuotaRows(ISqlStore store) : IQuotaRows
{
    private const string Instances = "SELECT COUNT(*) FROM instances AS e WHERE e.account = @account AND e.live = 1";

    public async Task<long> UsedAsync(
        AccountId account,
        Quota quota,
        IReadOnlyCollection<string> without,
        CancellationToken cancellationToken
    )
    {
        List<SqlValue> values = [new("@account", account.Value)];
        var names = new List<string>();
        foreach (var id in Padded(without))
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"@without{names.Count}");
            names.Add(name);
            values.Add(new SqlValue(name, id));
        }

        var sql = names.Count == 0 ? Sql(quota) : $"{Sql(quota)} AND e.id NOT IN ({string.Join(", ", names)})";
        return (await store.ListAsync(sql, [.. values], row => row.Number(0), cancellationToken))[0];
    }

    /// <summary>Repeats the last id up to a power of two, so that there are few different statements.</summary>
    private static IEnumerable<string> Padded(IReadOnlyCollection<string> ids) =>
        ids.Count == 0
            ? []
            : ids.Concat(
                Enumerable.Repeat(
                    ids.Last(),
                    (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)ids.Count) - ids.Count
                )
            );

    private string Sql(Quota quota) =>
        quota switch
        {
            Quota.Instances => Instances,
            Quota.Models => Of("COUNT(*)", "model"),
            Quota.ModelBytes => Of("octet_length(s.payload)", "model", isSum: true),
            Quota.Keys => $"{Of("COUNT(*)", "key")} AND {Member("revokedAt")} IS NULL",
            Quota.Firewalls => Of(LengthOf("firewalls"), "firewalls", isSum: true),
            Quota.Balancers => $"{Of("COUNT(*)", "balancer")} AND {Member("deletedAt")} IS NULL",
            Quota.Schedules => Of(LengthOf("schedules"), "schedules", isSum: true),
            Quota.Services => $"{Of("COUNT(*)", "service")} AND {Member("deletedAt")} IS NULL",
            Quota.Secrets => Of(LengthOf("secrets"), "secrets", isSum: true),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Of(string what, string kind, bool isSum = false) =>
        $"SELECT {(isSum ? $"CAST(COALESCE(SUM({what}), 0) AS BIGINT)" : what)} FROM entities AS e JOIN states AS s USING (state_id) WHERE e.kind = '{kind}' AND e.account = @account";

    private string Member(string name) =>
        store is PostgreSqlStore ? $"s.payload::json ->> '{name}'" : $"s.payload ->> '{name}'";

    private string LengthOf(string list) =>
        store is PostgreSqlStore
            ? $"json_array_length(s.payload::json -> '{list}')"
            : $"json_array_length(s.payload, '$.{list}')";
}
