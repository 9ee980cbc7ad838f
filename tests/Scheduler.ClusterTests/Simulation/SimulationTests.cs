using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xunit;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// The real grains in a world whose time, messages, failures and clients are decided by one seed (see
/// <c>src/decisions/0006-simulation.md</c>). <c>SCHEDULER_SEED</c> replays one seed and writes every step to a file.
/// <c>SCHEDULER_SIM_FIRST</c> and <c>SCHEDULER_SIM_SEEDS</c> set the range of the explicit run.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int SeedsOfEveryRun = 100;
    private const int SeedsOfNightlyRun = 10_000;

    [Fact]
    public void INV_01_to_07_and_11_hold_in_every_simulated_world()
    {
        if (Number("SCHEDULER_SEED") is { } replayed)
        {
            Replay(replayed);
        }
        else
        {
            Simulate(first: 1, SeedsOfEveryRun);
        }
    }

    [Fact(Explicit = true)]
    public void INV_01_to_07_and_11_hold_in_many_simulated_worlds() =>
        Simulate(Number("SCHEDULER_SIM_FIRST") ?? 1, Number("SCHEDULER_SIM_SEEDS") ?? SeedsOfNightlyRun);

    [Fact]
    public void The_same_seed_gives_the_same_history()
    {
        foreach (var seed in new[] { 1, 2, 3, 17, 4711 })
        {
            Assert.Equal(SimulationRun.Live(seed).World.Digest, SimulationRun.Live(seed).World.Digest);
        }

        Assert.NotEqual(SimulationRun.Live(1).World.Digest, SimulationRun.Live(2).World.Digest);
    }

    private void Simulate(int first, int count)
    {
        var started = Stopwatch.GetTimestamp();
        var reports = new StringBuilder();
        var (failed, acknowledged, steps) = (0, 0L, 0L);
        Parallel.For(
            first,
            first + count,
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            (seed, loop) =>
            {
                var simulation = SimulationRun.Live(seed);
                Interlocked.Add(ref acknowledged, simulation.Acknowledged);
                Interlocked.Add(ref steps, simulation.World.Steps);
                if (simulation.World.Violation is not null && Interlocked.Increment(ref failed) <= 5)
                {
                    lock (reports)
                    {
                        reports.AppendLine(ReportOf(seed, simulation.World));
                    }
                }
            }
        );
        output.WriteLine(
            $"Seeds {first} to {first + count - 1}: {acknowledged} commands acknowledged in {steps} steps, {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s"
        );
        Assert.True(failed == 0, $"{failed} of {count} worlds violate an invariant.{Environment.NewLine}{reports}");
        Assert.True(acknowledged > count, "Too few commands were acknowledged.");
    }

    private static string ReportOf(int seed, SimulatedWorld world) =>
        $"Seed {seed} (replay with SCHEDULER_SEED={seed}): {world.Violation}{Environment.NewLine}"
        + string.Join(Environment.NewLine, world.Latest);

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private void Replay(int seed)
    {
        var file = Path.Combine(Path.GetTempPath(), $"scheduler-simulation-{seed}.log");
        using var transcript = new StreamWriter(file);
        var world = SimulationRun.Live(seed, transcript).World;
        output.WriteLine($"Seed {seed}, digest {world.Digest:x}, every step in {file}");
        Assert.True(world.Violation is null, ReportOf(seed, world));
    }
}
