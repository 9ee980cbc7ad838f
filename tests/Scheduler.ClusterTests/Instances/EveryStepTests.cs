using System.Collections.Concurrent;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Every step of every path fails in every way. A dry run of a path lists its calls to store and provider. Then the
/// path runs once for each call that fails before its effect, fails after it, answers late, or is executed twice. All
/// cases of a path share one cluster and store. When all have settled, one check covers everything.
/// </summary>
public sealed class EveryStepTests(ITestOutputHelper output)
{
    private const int AtOnce = 48;

    private static readonly Dictionary<string, Func<EveryStepCase, Task>> Paths = new(StringComparer.Ordinal)
    {
        ["launch, bill, stop and delete"] = EveryStepPaths.WholeLifeAsync,
        ["refused, then launched again"] = EveryStepPaths.RefusedAsync,
        ["stopped during the allocation call"] = EveryStepPaths.StoppedEarlyAsync,
        ["preempted and re-routed"] = EveryStepPaths.ReroutedAsync,
        ["waiting, then launched when the route recovers"] = EveryStepPaths.WaitedAsync,
        ["vanished and detected by the sweep"] = EveryStepPaths.VanishedAsync,
        ["orphaned and released by the sweep"] = EveryStepPaths.OrphanAsync,
    };

    public static TheoryData<string> EveryPath() => [.. Paths.Keys];

    [Theory]
    [MemberData(nameof(EveryPath))]
    public async Task INV_01_to_07_and_12_hold_when_any_step_fails_in_any_way(string path)
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.Options.Billing.SettleEvery = TimeSpan.FromSeconds(20);
            s.Options.Launch.RouteCooldown = TimeSpan.FromSeconds(5);
            s.Options.Providers.BreakerFailures = 1000;
            s.AddProvider("cloud").Otherwise = AllocateAnswer.SucceedBooting;
        });
        scheduler.Cloud.AnswerFor = key =>
            (
                key.Value.Contains("refused", StringComparison.Ordinal)
                || key.Value.Contains("waiting", StringComparison.Ordinal)
            ) && key.Value.EndsWith("-r1-a1", StringComparison.Ordinal)
                ? AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out")
                : AllocateAnswer.SucceedBooting;
        using var ends = new CancellationTokenSource();
        var time = PassTimeAsync(scheduler, ends.Token);

        var dry = new EveryStepCase(scheduler, path, 0, null, default);
        await Paths[path](dry);
        var steps = dry.Steps.Taken;
        var cases = steps
            .SelectMany(step => Enum.GetValues<StepFault>().Select(wrong => (step, wrong)))
            .Select((c, i) => new EveryStepCase(scheduler, path, i + 1, c.step, c.wrong))
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
                    await Paths[path](one);
                }
                catch (Exception exception)
                {
                    failures.Enqueue($"{one}: {exception.Message}");
                }
            }
        );
        await ends.CancelAsync();
        await time;

        Assert.Empty(failures);
        output.WriteLine($"{path}: {steps.Count} steps, {cases.Count} cases; faults that never occurred:");
        foreach (var one in cases.Where(one => !one.Steps.HasHappened))
        {
            output.WriteLine($"  {one.Steps.Goes} {one.Steps.Wrong}");
        }

        var owed = cases.Where(one => !IsAskedAgain(one.Steps.Goes)).ToList();
        var happened = owed.Count(one => one.Steps.HasHappened);
        Assert.True(happened >= owed.Count * 9 / 10, $"Only {happened} of {owed.Count} faults happened.");
        await scheduler.SoundAsync();
        Assert.Empty(scheduler.Cloud.Held);
        foreach (var one in cases.Prepend(dry))
        {
            var money = await scheduler.MoneyAsync(one.Account);
            Assert.Equal((MicroEuro.Zero, MicroEuro.Zero), (money.Holds, money.Accrued));
        }
    }

    /// <summary>Whether a step is a repeated poll, whose number depends on the time until the answer arrives.</summary>
    private static bool IsAskedAgain(TakenStep? step) => step is { What: "Find", Number: > 1 };

    private static async Task PassTimeAsync(TestScheduler scheduler, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            scheduler.Clock.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Delay(TimeSpan.FromMilliseconds(4), TimeProvider.System, CancellationToken.None);
        }
    }
}
