using System.Text.Json;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Firewalls;

internal sealed class SqlEvaluationLog(ISqlStore store) : IEvaluationLog
{
    private const string OfAccount =
        "SELECT CAST(evaluation AS TEXT) FROM evaluations WHERE account = @account AND sequence < @before ORDER BY sequence DESC LIMIT @limit";

    private const string OfFirewall =
        "SELECT CAST(evaluation AS TEXT) FROM evaluations WHERE account = @account AND firewall = @firewall AND sequence < @before ORDER BY sequence DESC LIMIT @limit";

    public async Task<IReadOnlyList<FirewallEvaluation>> ListAsync(
        AccountId account,
        string? firewall,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    )
    {
        PageLimit.Check(limit);
        List<SqlValue> values = [new("@account", account.Value), new("@before", beforeSequence), new("@limit", limit)];
        if (firewall is not null)
        {
            values.Add(new("@firewall", firewall));
        }

        return await store.ListAsync(
            firewall is null ? OfAccount : OfFirewall,
            [.. values],
            row => JsonSerializer.Deserialize<FirewallEvaluation>(row.Bytes(0), StateSerializer.Options)!,
            cancellationToken
        );
    }
}
