using System.Collections.Concurrent;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Services;

/// <summary>
/// Every step of scaling, updating and deleting a service fails in every way: a dry run lists the calls to store and provider, then one
/// case for each of them and each way. In the end as many replicas serve as are wanted, or none is left.
/// </summary>
public sealed class ServiceStepTests(ITestOutputHelper output)
{
    private const int AtOnce = 24;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    [Fact]
    public async Task INV_01_to_06_hold_and_wanted_is_reached_when_any_step_of_a_service_fails_in_any_way()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.Options.Launch.RouteCooldown = TimeSpan.FromSeconds(5);
            s.Options.Providers.BreakerFailures = 1000;
        });
        using var ends = new CancellationTokenSource();
        var time = PassTimeAsync(scheduler, ends.Token);
        var dry = new Case(scheduler, 0, null, default);
        await dry.RunAsync();
        var steps = dry.Steps.Taken;
        var cases = steps
            .SelectMany(step => Enum.GetValues<StepFault>().Select(wrong => (step, wrong)))
            .Select((c, i) => new Case(scheduler, i + 1, c.step, c.wrong))
            .ToList();
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(
            cases,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = AtOnce,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (one, _) =>
            {
                try
                {
                    await one.RunAsync();
                }
                catch (Exception exception)
                {
                    failures.Enqueue($"{one}: {exception.Message}");
                }
            }
        );
        await ends.CancelAsync();
        await time;

        output.WriteLine(
            $"{steps.Count} steps, {cases.Count} cases, {cases.Count(one => one.Steps.HasHappened)} happened"
        );
        Assert.Empty(failures);
        Assert.InRange(cases.Count(one => one.Steps.HasHappened), cases.Count * 8 / 10, cases.Count);
        await scheduler.SoundAsync();
        Assert.Empty(scheduler.Cloud.Held);
        foreach (var one in cases.Prepend(dry))
        {
            var money = await scheduler.MoneyAsync(one.Account);
            Assert.Equal((MicroEuro.Zero, MicroEuro.Zero), (money.Holds, money.Accrued));
        }
    }

    private static async Task PassTimeAsync(TestScheduler scheduler, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            scheduler.Clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>One service that grows, is updated, shrinks and is deleted, with one step that fails.</summary>
    private sealed class Case
    {
        private readonly TestScheduler _scheduler;
        private readonly ServiceWorld _service;

        public Case(TestScheduler scheduler, int number, TakenStep? goes, StepFault wrong)
        {
            _scheduler = scheduler;
            Account = Make.Account(string.Create(CultureInfo.InvariantCulture, $"case-{number}-"));
            var text = number.ToString(CultureInfo.InvariantCulture).Select(digit => (char)('a' + (digit - '0')));
            _service = new ServiceWorld(scheduler, Account, new string([.. text]).PadRight(20, 'z'));
            // Two replicas of the first revision, then up to four of the second.
            var replicas = Enumerable
                .Range(1, 2)
                .SelectMany(revision =>
                    Enumerable
                        .Range(1, 9)
                        .Select(replica =>
                            DerivedId.Of("i-", 20, "replica", _service.Id.Value, $"{revision}", $"{replica}")
                        )
                )
                .ToList();
            Steps = new StepFaults(key =>
                key.Contains(_service.Id.Value, StringComparison.Ordinal)
                || key.Contains(Account.Value, StringComparison.Ordinal)
                || replicas.Exists(id => key.Contains(id, StringComparison.Ordinal))
            )
            {
                Goes = goes,
                Wrong = wrong,
            };
            scheduler.Faults.Watch(Steps);
            scheduler.Cloud.Watch(Steps);
        }

        public AccountId Account { get; }

        public StepFaults Steps { get; }

        public override string ToString() => $"{Steps.Goes} {Steps.Wrong}";

        public async Task RunAsync()
        {
            await InsistAsync(() =>
                _scheduler
                    .Grains.Account(Account)
                    .CreateAsync(new CreateAccount(Account.Value, TimeSpan.Zero), _scheduler.As(null))
            );
            await InsistAsync(() =>
                _scheduler.Grains.Account(Account).TopUpAsync(Make.Euros(50), "opening", _scheduler.As(null))
            );
            var spec = ServiceWorld.Spec(least: 1, most: 3) with
            {
                Update = new UpdateSettings { DrainTimeout = TimeSpan.FromSeconds(4) },
            };
            await InsistAsync(() => _service.TryCreateAsync(spec));
            await ServesAsync(1);
            spec = spec with { MinReplicas = 2 };
            await UpdateAsync(spec);
            await ServesAsync(2);
            spec = spec with { Template = spec.Template with { ContextTokens = 4096 } };
            await UpdateAsync(spec);
            await ServesAsync(2);
            await InsistAsync(() => _service.Grain.DeleteAsync(_scheduler.As(Account)));
            await UntilAsync(record => record.Exists && !record.IsLive, "it is deleted");
            var instances = await _service.InstancesAsync();
            Assert.All(instances, one => Assert.Equal(InstanceState.Deleted, one.State));
            Assert.Equal(instances.Length, instances.Select(one => one.ServingName).Distinct().Count());
        }

        private Task UpdateAsync(ServiceSpec spec) =>
            InsistAsync(() =>
                _service.Grain.UpdateAsync(new Grains.Services.UpdateService(spec, null), _scheduler.As(Account))
            );

        private async Task ServesAsync(int replicas)
        {
            await UntilAsync(
                record =>
                    record.Replicas.Length == replicas
                    && record.Ready == replicas
                    && record.Replicas.All(one => one.Revision == record.Revision),
                $"{replicas} replicas serve"
            );
            var live = (await _service.InstancesAsync()).Where(one => one.State != InstanceState.Deleted).ToList();
            Assert.Equal(replicas, live.Count);
        }

        private async Task UntilAsync(Func<ServiceRecord, bool> isSo, string what)
        {
            var start = TimeProvider.System.GetTimestamp();
            var last = new ServiceRecord();
            while (TimeProvider.System.GetElapsedTime(start) < Patience)
            {
                try
                {
                    last = await _service.SeeAsync();
                    if (isSo(last))
                    {
                        return;
                    }
                }
                catch (Exception)
                {
                    // The step under test fails; the call is repeated.
                }

                await Task.Delay(Poll, TimeProvider.System, TestContext.Current.CancellationToken);
            }

            throw new TimeoutException($"Still not: {what}. {last.Scaling} {string.Join("; ", last.Replicas)}");
        }

        /// <summary>A client that received no answer sends the same command again.</summary>
        private static async Task InsistAsync<T>(Func<Task<Grains.Answer<T>>> command)
            where T : class
        {
            const int Tries = 40;
            for (var left = Tries; ; left--)
            {
                try
                {
                    TestScheduler.Good(await command());
                    return;
                }
                catch (Exception) when (left > 1)
                {
                    await Task.Delay(Poll, TimeProvider.System, TestContext.Current.CancellationToken);
                }
            }
        }
    }
}
