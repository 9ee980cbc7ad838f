using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Models;
using Scheduler.Domain.Schedules;
using Scheduler.Domain.Services;
using Scheduler.Storage.Billing;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

public abstract class QuotaRowsTests(StoreFixture fixture) : IAsyncLifetime
{
    private static readonly AccountId A = new("acct-a");
    private static readonly AccountId B = new("acct-b");
    private static readonly Schedule ASchedule = new() { Spec = new ScheduleSpec { Action = ScheduleAction.Start } };
    private static readonly StoredFirewall AFirewall = new()
    {
        Draft = new FirewallDraft { Mode = FirewallMode.Block },
    };

    private readonly StoreFixture _fixture = fixture;

    public async ValueTask InitializeAsync() => await _fixture.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_deleted_revoked_excluded_or_of_another_account_does_not_count()
    {
        foreach (var account in (AccountId[])[A, B])
        {
            var name = account == A ? "a" : "b";
            for (var i = 0; i < 3; i++)
            {
                var isGone = i == 2;
                await _fixture.WriteStateAsync(
                    "instance",
                    $"i-{name}{i}",
                    StoreFixture.Instance($"i-{name}{i}", account: account.Value) with
                    {
                        State = isGone ? InstanceState.Deleted : InstanceState.Stopped,
                    }
                );
                await _fixture.WriteStateAsync(
                    "key",
                    $"key-{name}{i}",
                    new KeyRecord { Account = account, RevokedAt = isGone ? StoreFixture.Noon : null }
                );
                await _fixture.WriteStateAsync(
                    "balancer",
                    $"b-{name}{i}",
                    new BalancerRecord { Account = account, DeletedAt = isGone ? StoreFixture.Noon : null }
                );
                await _fixture.WriteStateAsync(
                    "service",
                    $"svc-{name}{i}",
                    new ServiceRecord { Account = account, DeletedAt = isGone ? StoreFixture.Noon : null }
                );
                await _fixture.WriteStateAsync(
                    "model",
                    $"model-{account}/{i}",
                    new ModelRecord { Account = account, Name = $"{i}" }
                );
                await _fixture.WriteStateAsync(
                    "schedules",
                    $"schedules-i-{name}{i}",
                    new ScheduleSet { Account = account, Schedules = [ASchedule, ASchedule] }
                );
            }

            await _fixture.WriteStateAsync(
                "firewalls",
                $"firewalls-{account}",
                new FirewallSet { Account = account, Firewalls = [AFirewall, AFirewall] }
            );
        }

        foreach (var account in (AccountId[])[A, B])
        {
            var name = account == A ? "a" : "b";
            await CountsAsync(account, Quota.Instances, 2, 1, $"i-{name}0", "i-other");
            await CountsAsync(account, Quota.Keys, 2, 0, $"key-{name}0", $"key-{name}1", "key-other");
            await CountsAsync(account, Quota.Balancers, 2, 1, $"b-{name}1");
            await CountsAsync(account, Quota.Services, 2, 1, $"svc-{name}1");
            await CountsAsync(account, Quota.Models, 3, 2, $"model-{account}/0");
            await CountsAsync(account, Quota.Schedules, 6, 4, $"schedules-i-{name}0");
            await CountsAsync(account, Quota.Firewalls, 2, 0, $"firewalls-{account}");
        }

        var rows = new SqlQuotaRows(_fixture.Store);
        var ct = TestContext.Current.CancellationToken;
        var bytes = (long)
            _fixture.Sql(
                "SELECT CAST(SUM(octet_length(payload)) AS BIGINT) FROM states WHERE id LIKE 'model-acct-a/%'"
            )[0][0]!;
        Assert.Equal(bytes, await rows.UsedAsync(A, Quota.ModelBytes, [], ct));
        foreach (var quota in QuotaNames.All)
        {
            Assert.Equal(0, await rows.UsedAsync(new AccountId("acct-c"), quota, [], ct));
        }
    }

    private async Task CountsAsync(AccountId account, Quota quota, long all, long others, params string[] without)
    {
        var rows = new SqlQuotaRows(_fixture.Store);
        var ct = TestContext.Current.CancellationToken;
        Assert.Equal(all, await rows.UsedAsync(account, quota, [], ct));
        Assert.Equal(others, await rows.UsedAsync(account, quota, without, ct));
    }
}

public sealed class QuotaRowsTestsOnSqlite() : QuotaRowsTests(new SqliteFixture());

public sealed class QuotaRowsTestsOnPostgreSql() : QuotaRowsTests(new PostgreSqlFixture());
