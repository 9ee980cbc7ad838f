using System.Collections.Concurrent;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Every step of every path, gone wrong in every way: a dry run of a path tells its steps towards store and provider, then the path is
/// lived once for each of them failing before, failing after its effect, answering late, and being done twice. All cases of a path live
/// in one cluster on one store, side by side, while the clock goes on; when all have come to rest one oracle looks at everything.
/// </summary>
public sealed class EveryStepTests(ITestOutputHelper output)
{
    private const int AtOnce = 48;

    private static readonly Dictionary<string, Func<EveryStepCase, Task>> Paths = new(StringComparer.Ordinal)
    {
        ["launch, bill, stop and delete"] = EveryStepPaths.WholeLifeAsync,
        ["refused, then launched again"] = EveryStepPaths.RefusedAsync,
        ["stopped while the provider is asked"] = EveryStepPaths.StoppedEarlyAsync,
        ["taken back and re-routed"] = EveryStepPaths.ReroutedAsync,
        ["gone, and found gone by the sweep"] = EveryStepPaths.VanishedAsync,
        ["nobody's, and released by the sweep"] = EveryStepPaths.OrphanAsync,
    };

    public static TheoryData<string> EveryPath() => [.. Paths.Keys];

    [Theory]
    [MemberData(nameof(EveryPath))]
    public async Task INV_01_to_07_and_12_hold_whichever_step_goes_wrong_and_however(string path)
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.Options.Billing.SettleEvery = TimeSpan.FromSeconds(20);
            s.Options.Launch.RouteCooldown = TimeSpan.FromSeconds(5);
            s.Options.Providers.BreakerFailures = 1000;
            s.AddProvider("cloud").Otherwise = AllocateAnswer.SucceedBooting;
        });
        scheduler.Cloud.AnswerFor = key =>
            key.Value.Contains("refused", StringComparison.Ordinal)
            && key.Value.EndsWith("-r1-a1", StringComparison.Ordinal)
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
        output.WriteLine($"{path}: {steps.Count} steps, {cases.Count} cases; never went wrong:");
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

    /// <summary>Whether a step is the same question again, which comes as often as time passes before the answer is no longer needed.</summary>
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
