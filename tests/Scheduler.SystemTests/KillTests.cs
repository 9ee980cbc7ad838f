using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Kills a real process with <c>kill -9</c> at random moments under load. Every acknowledged command must take effect
/// (INV-03). The test then checks the invariants from outside, through the API and in the list of the simulated cloud.
/// <c>SCHEDULER_SEED</c> replays a seed.
/// </summary>
[StartsFirst]
public sealed class KillTests
{
    private const int Clients = 6;

    /// <param name="kills">
    /// The simulation covers the orders of events by seeds; five kills show that a real process behaves the same.
    /// </param>
    [Theory]
    [InlineData(5)]
    [InlineData(50, Explicit = true)]
    public async Task Acknowledged_commands_survive_kills_at_random_moments_INV_01_to_05(int kills)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var random = new Random(LaunchLoad.Seed());
        var cloud = Path.Combine(Directory.CreateTempSubdirectory("cloud-").FullName, "cloud.journal");
        await using var scheduler = new SchedulerProcess(
            null,
            [$"--Providers:Simulated:StatePath={cloud}", .. LaunchLoad.QuickMarket]
        );
        await scheduler.StartAsync(cancellation);
        var load = new LaunchLoad("acct-kill");
        await load.OpenAccountAsync(scheduler.Calls, cancellation);
        for (var kill = 0; kill < kills; kill++)
        {
            using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var seeds = Enumerable.Range(0, Clients).Select(_ => random.Next()).ToArray();
            var clients = seeds
                .Select(
                    (s, i) => load.WorkUntilKilledAsync(scheduler.Calls, new Random(s), $"{kill}-{i}", working.Token)
                )
                .ToArray();
            await LoadedAsync(load, random, cancellation);
            await scheduler.KillAsync();
            await working.CancelAsync();
            await Task.WhenAll(clients);
            await scheduler.StartAsync(cancellation);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{load.Commands} commands acknowledged, {load.LastAcknowledged.Count} instances, {kills} kills"
        );
        Assert.True(
            load.Commands > 5 * kills,
            $"Only {load.Commands} commands were acknowledged: too few for a load test."
        );
        var instances = await new Audit(load, scheduler.Calls).ApiAsync(() => scheduler.Output, cancellation);
        await scheduler.KillAsync();
        await Audit.CloudAsync(cloud, instances, cancellation);
    }

    /// <summary>
    /// Waits for some acknowledged commands and then for a random time. One round in five uses only the time, which can
    /// end before any command was acknowledged.
    /// </summary>
    private static async Task LoadedAsync(LaunchLoad load, Random random, CancellationToken cancellation)
    {
        var enough = random.Next(5) == 0 ? 0 : random.Next(1, 60);
        await load.LetThroughAsync(enough, TimeSpan.FromSeconds(10), cancellation);
        await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 120)), TimeProvider.System, cancellation);
    }
}
