using System.Collections.Immutable;
using System.Text;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Models;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Billing;

public sealed class QuotaTests
{
    private const int Most = 7;
    private const int Asked = 30;

    private const string Zebra =
        """{"model_type":"zebra","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"intermediate_size":128,"vocab_size":100}""";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Parallel_creates_of_instances_stop_exactly_at_the_quota(short silos)
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.Options.Quotas.Instances = Most, silos);
        var account = await scheduler.AccountAsync();
        var other = await scheduler.AccountAsync("b");
        var ids = Enumerable.Range(0, Asked).Select(_ => scheduler.NewInstanceId()).ToList();

        var answers = await Task.WhenAll(ids.Select(id => scheduler.TryCreateAsync(account, id)));

        await OnlySomeAsync(scheduler, account, Quota.Instances, [.. answers.Select(answer => answer.Refusal)]);
        // A repeated create of an instance that exists needs no room, and another account has its own.
        var existing = ids[answers.ToList().FindIndex(answer => answer.IsOk)];
        TestScheduler.Good(await scheduler.TryCreateAsync(account, existing));
        await scheduler.CreateAsync(other);

        TestScheduler.Good(await scheduler.DeleteAsync(existing));
        await scheduler.CreateAsync(account);
        Refused(await scheduler.TryCreateAsync(account, scheduler.NewInstanceId()), Quota.Instances);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_create_that_is_refused_for_another_reason_uses_no_room()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.Options.Quotas.Instances = 2);
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "taken");
        for (var i = 0; i < 3; i++)
        {
            var refused = await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "taken");
            Assert.Equal(RefusalKind.AlreadyExists, refused.Refusal!.Kind);
        }

        await scheduler.CreateAsync(account);
    }

    [Fact]
    public async Task A_create_whose_write_failed_keeps_its_room_until_it_cannot_take_effect_any_more()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.Options.Quotas.Instances = 1);
        var account = await scheduler.AccountAsync();
        scheduler.Faults.FailWrite("instance", FaultMoment.Before);
        await Assert.ThrowsAnyAsync<Exception>(() =>
            scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "a")
        );

        Refused(await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "b"), Quota.Instances);
        scheduler.Clock.Advance(TimeSpan.FromMinutes(3));
        await scheduler.CreateAsync(account, name: "c");
    }

    [Fact]
    public async Task Parallel_creates_of_everything_else_stop_exactly_at_the_quota()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            var quotas = s.Options.Quotas;
            (quotas.Keys, quotas.Models, quotas.Balancers, quotas.Schedules) = (Most, Most, Most, Most);
        });
        var account = await scheduler.AccountAsync();
        var instances = new List<InstanceId>();
        for (var i = 0; i < 6; i++)
        {
            instances.Add(await scheduler.CreateAsync(account));
        }

        var keys = await ManyAsync(async i =>
            (
                await scheduler
                    .Grains.Key(KeyAuthority.NewToken().KeyId)
                    .CreateAsync(new CreateKey(account, "", new string('0', 64)), scheduler.As(account))
            ).Refusal
        );
        var models = await ManyAsync(async i => (await RegisterAsync(scheduler, account, $"m-{i}")).Refusal);
        var schedules = await ManyAsync(async i =>
            (
                await scheduler
                    .Grains.Schedules(instances[i % instances.Count])
                    .CreateAsync(
                        $"s-{i}",
                        new ScheduleSpec
                        {
                            Cron = "0 8 * * *",
                            TimeZone = "UTC",
                            Action = ScheduleAction.Start,
                        },
                        scheduler.As(account)
                    )
            ).Refusal
        );

        await OnlySomeAsync(scheduler, account, Quota.Keys, keys);
        await OnlySomeAsync(scheduler, account, Quota.Models, models);
        await OnlySomeAsync(scheduler, account, Quota.Schedules, schedules);
    }

    [Fact]
    public async Task The_bytes_of_models_are_limited_and_the_operator_may_raise_the_limit_of_one_account()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        TestScheduler.Good(await RegisterAsync(scheduler, account, "first"));
        var used = await UsedAsync(scheduler, account, Quota.ModelBytes);
        Assert.InRange(used, 200, 100_000);

        await LimitAsync(scheduler, account, (Quota.ModelBytes, used + 50));
        var refused = Refused(await RegisterAsync(scheduler, account, "second"), Quota.ModelBytes);
        Assert.Equal($"{used}", refused.Details["used"]);
        await LimitAsync(scheduler, account, (Quota.ModelBytes, 3 * used));
        TestScheduler.Good(await RegisterAsync(scheduler, account, "second"));

        await LimitAsync(scheduler, account, (Quota.Models, 1));
        Refused(await RegisterAsync(scheduler, account, "third"), Quota.Models);
        await LimitAsync(scheduler, account);
        TestScheduler.Good(await RegisterAsync(scheduler, account, "third"));
        await scheduler.CrashAndRestartAsync();
        Assert.Equal(3, await UsedAsync(scheduler, account, Quota.Models));
    }

    private static async Task<Refusal?[]> ManyAsync(Func<int, Task<Refusal?>> create) =>
        await Task.WhenAll(Enumerable.Range(0, Asked).Select(create));

    private static async Task OnlySomeAsync(
        TestScheduler scheduler,
        AccountId account,
        Quota quota,
        IReadOnlyCollection<Refusal?> refusals
    )
    {
        Assert.Equal(Most, refusals.Count(refusal => refusal is null));
        Assert.All(
            refusals.Where(refusal => refusal is not null),
            refusal =>
            {
                var failure = refusal!.Failure!;
                Assert.Equal(FailureCode.QuotaExceeded, failure.Code);
                Assert.Equal(quota.WireName(), failure.Details["quota"]);
                Assert.Equal($"{Most}", failure.Details["used"]);
                Assert.Equal($"{Most}", failure.Details["limit"]);
            }
        );
        Assert.Equal(Most, await UsedAsync(scheduler, account, quota));
    }

    private static Failure Refused<T>(Answer<T> answer, Quota quota)
        where T : class
    {
        var failure = answer.Refusal!.Failure!;
        Assert.Equal(FailureCode.QuotaExceeded, failure.Code);
        Assert.Equal(quota.WireName(), failure.Details["quota"]);
        return failure;
    }

    private static async Task<long> UsedAsync(TestScheduler scheduler, AccountId account, Quota quota) =>
        (await scheduler.Grains.Quota(account).UseAsync()).Single(use => use.Quota == quota).Used;

    private static async Task LimitAsync(
        TestScheduler scheduler,
        AccountId account,
        params (Quota Quota, long Limit)[] limits
    ) =>
        TestScheduler.Good(
            await scheduler
                .Grains.Account(account)
                .UpdateAsync(
                    new UpdateAccount(
                        null,
                        null,
                        null,
                        null,
                        limits.ToImmutableSortedDictionary(
                            limit => limit.Quota.WireName(),
                            limit => limit.Limit,
                            StringComparer.Ordinal
                        )
                    ),
                    scheduler.As(null)
                )
        );

    private static Task<Answer<ModelView>> RegisterAsync(TestScheduler scheduler, AccountId account, string name) =>
        scheduler.Grains.Model(account, name).RegisterAsync(Config(account, name), scheduler.As(account));

    private static RegisterModel Config(AccountId account, string name) =>
        new(account, name, null, Encoding.UTF8.GetBytes(Zebra), null, null);
}
