using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A real process, killed with <c>kill -9</c> at random moments under load. Every acknowledged command must take effect (INV-03). Afterwards
/// the invariants are checked from outside: through the API, and in the simulated cloud's own list. <c>SCHEDULER_SEED</c> replays a seed.
/// </summary>
public sealed class KillTests
{
    private const int Clients = 6;

    /// <param name="kills">The simulation covers the orders of events seed by seed; eight kills show that a real process keeps to it.</param>
    [Theory]
    [InlineData(8)]
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
        Assert.True(load.Commands > 5 * kills, $"Only {load.Commands} commands were acknowledged: that is no load.");
        var instances = await new Audit(load, scheduler.Calls).ApiAsync(() => scheduler.Output, cancellation);
        await scheduler.KillAsync();
        await Audit.CloudAsync(cloud, instances, cancellation);
    }

    /// <summary>
    /// Lets some commands through and then a random moment pass. One round in five is killed by time alone, which may be before anything was
    /// served.
    /// </summary>
    private static async Task LoadedAsync(LaunchLoad load, Random random, CancellationToken cancellation)
    {
        var enough = random.Next(5) == 0 ? 0 : random.Next(1, 60);
        await load.LetThroughAsync(enough, TimeSpan.FromSeconds(10), cancellation);
        await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 120)), TimeProvider.System, cancellation);
    }
}
