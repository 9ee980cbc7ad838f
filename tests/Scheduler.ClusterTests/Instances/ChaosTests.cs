using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Several instances under random faults: clients that repeat commands, an unreliable provider, failed writes, killed
/// silos and passing time. Then all faults end, and no data may be lost. A few seeds run here on real silos and the
/// real store; the simulation runs many.
/// </summary>
public sealed class ChaosTests
{
    private const int Instances = 6;
    private const int Steps = 60;

    [Theory]
    [InlineData(1)]
    [InlineData(2, Explicit = true)]
    [InlineData(3, Explicit = true)]
    [InlineData(4, Explicit = true)]
    public async Task INV_01_to_07_and_12_hold_after_random_faults(int seed)
    {
        var random = new Random(seed);
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("alpha");
            s.AddProvider("bravo").Offers =
            [
                Make.Offer("bravo", price: 1.3m),
                Make.Offer("bravo", "eu-north", price: 1.4m),
            ];
        });
        var account = await scheduler.AccountAsync(euros: 50m);
        var ids = new List<InstanceId>();
        for (var i = 0; i < Instances; i++)
        {
            ids.Add(await scheduler.CreateAsync(account, Make.Spec() with { AutoReroute = i % 2 == 0 }));
        }

        for (var step = 0; step < Steps; step++)
        {
            await HappenAsync(scheduler, random, ids[random.Next(Instances)], step);
            Assert.True((await CalmAsync(() => scheduler.MoneyAsync(account)))!.Holds >= MicroEuro.Zero);
        }

        await CalmDownAsync(scheduler, account, ids);
        await scheduler.SoundAsync();
    }

    private static async Task HappenAsync(TestScheduler scheduler, Random random, InstanceId id, int step)
    {
        var provider = scheduler.Providers[random.Next(2)];
        var held = provider.Held.FirstOrDefault(allocation => allocation.Tag.Instance == id);
        switch (random.Next(16))
        {
            case 0 or 1 or 2 or 3:
                provider.NextAllocate(Answer(random));
                await TryAsync(() => scheduler.LaunchAsync(id, $"start-{step}"));
                break;
            case 4 or 5:
                provider.NextRelease((ReleaseAnswer)random.Next(1, 6));
                await TryAsync(() => scheduler.StopAsync(id, $"stop-{step}"));
                break;
            case 6 when held is not null:
                provider.Exit(held.Key, new RuntimeExit { ExitCode = 1 });
                break;
            case 7 when held is not null:
                provider.Preempt(held.Key);
                break;
            case 8 when held is not null:
                provider.BecomeReady(held.Key);
                break;
            case 9 when held is not null:
                provider.Vanish(held.Key);
                break;
            case 10 or 11:
                scheduler.Faults.FailWrite(
                    random.Next(3) switch
                    {
                        0 => "account",
                        1 => "provider",
                        _ => "instance",
                    },
                    (FaultMoment)random.Next(1, 3),
                    random.Next(1, 4)
                );
                break;
            case 12 when random.Next(3) == 0:
                await scheduler.CrashAndRestartAsync();
                break;
            case 13:
                await scheduler.PassAsync(TimeSpan.FromSeconds(random.Next(1, 90)), TimeSpan.FromSeconds(5));
                break;
            case 14:
                foreach (var late in scheduler.Providers)
                {
                    late.Asked.ToList().ForEach(late.DeliverLate);
                }

                break;
            default:
                await scheduler.PassAsync(TimeSpan.FromSeconds(2));
                break;
        }
    }

    private static AllocateAnswer Answer(Random random) =>
        random.Next(8) switch
        {
            0 => AllocateAnswer.Hang,
            1 => AllocateAnswer.Late,
            2 => AllocateAnswer.ThrowBefore,
            3 => AllocateAnswer.ThrowAfter,
            4 => AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"),
            5 => AllocateAnswer.SucceedBooting,
            _ => AllocateAnswer.Succeed,
        };

    /// <summary>
    /// Ends the faults, delivers late answers and stops every instance. Then everything must settle, with no hold and
    /// no pending release.
    /// </summary>
    private static async Task CalmDownAsync(TestScheduler scheduler, AccountId account, List<InstanceId> ids)
    {
        scheduler.Faults.Clear();
        foreach (var id in ids)
        {
            await Eventually.UntilAsync(
                () => CalmAsync(() => scheduler.SeeAsync(id)),
                record =>
                    record is { PendingCleanups.IsEmpty: true }
                    && (record.State is InstanceState.Stopped or InstanceState.Failed || IsStopping(scheduler, id)),
                $"{id} settles",
                scheduler.Clock,
                TimeSpan.FromMilliseconds(500)
            );
        }

        foreach (var provider in scheduler.Providers)
        {
            provider.Asked.ToList().ForEach(provider.DeliverLate);
        }

        // Allocations requested by killed silos arrive now, and the sweep finds them after the safety age.
        await scheduler.PassAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(1));
        await Eventually.TrueAsync(
            () => scheduler.Providers.All(provider => provider.Held.IsEmpty),
            "nothing is held",
            scheduler.Clock,
            TimeSpan.FromSeconds(1)
        );
        await Eventually.UntilAsync(
            () => CalmAsync(() => scheduler.MoneyAsync(account)),
            money => money is { Running: 0, Holds.Value: 0, Accrued.Value: 0 },
            "no money is held",
            scheduler.Clock,
            TimeSpan.FromSeconds(5)
        );
    }

    private static bool IsStopping(TestScheduler scheduler, InstanceId id)
    {
        _ = TryAsync(() => scheduler.StopAsync(id));
        return false;
    }

    private static async Task TryAsync<T>(Func<Task<T>> command)
    {
        try
        {
            await command();
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            // After a failed write or a killed silo the outcome is unknown, which the test permits.
        }
    }

    private static async Task<T?> CalmAsync<T>(Func<Task<T>> question)
        where T : class
    {
        const int Tries = 20;
        for (var left = Tries; ; left--)
        {
            try
            {
                return await question();
            }
            catch (Exception) when (left > 0)
            {
                await Task.Delay(
                    TimeSpan.FromMilliseconds(20),
                    TimeProvider.System,
                    TestContext.Current.CancellationToken
                );
            }
        }
    }
}
