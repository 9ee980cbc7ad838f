using System.Globalization;
using System.Text.Json;

namespace Scheduler.Benchmarks.Profiling;

/// <summary>
/// Fails when a launch costs clearly more than when its figures were recorded here. The CPU time is compared with that of a
/// fixed computation in the same run, so that the machine and its other work hardly matter.
/// </summary>
public static class LaunchGuard
{
    /// <summary>A figure may be this much above the recorded one.</summary>
    private const double Margin = 1.3;

    private const int Launches = 2000;
    private const int Rounds = 3;

    /// <summary>
    /// Recorded: milliseconds of CPU of a launch, divided by those of the fixed computation. With much other work on the machine runs
    /// gave 6.7 to 9.
    /// </summary>
    private const double RecordedRatio = 8;

    /// <summary>Recorded: KiB allocated by a launch.</summary>
    private const double RecordedKiB = 220;

    /// <summary>Grain calls and durable writes are the same in every run, but for polls and batched account writes.</summary>
    private const double MostGrainCalls = 13;

    private const double MostWrites = 6.5;

    /// <returns>The exit code: 1 if a figure is above its bound.</returns>
    public static async Task<int> RunAsync()
    {
        var ratios = new List<double>();
        var cost = new LaunchCost(0, 0, 0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var unit = FixedComputation();
            cost = await ProfileFigures.LaunchCostAsync(Launches);
            unit = (unit + FixedComputation()) / 2;
            ratios.Add(cost.CpuMilliseconds / unit);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"round {round + 1}: {cost.CpuMilliseconds:0.00} ms CPU a launch, {unit:0.00} ms the fixed computation"
                )
            );
        }

        ratios.Sort();
        bool[] hold =
        [
            Holds("CPU of a launch / fixed computation, median", ratios[Rounds / 2], Margin * RecordedRatio),
            Holds("KiB allocated by a launch", cost.AllocatedKiB, Margin * RecordedKiB),
            Holds("grain calls of a launch", cost.GrainCalls, MostGrainCalls),
            Holds("durable writes of a launch", cost.Writes, MostWrites),
        ];
        return hold.All(each => each) ? 0 : 1;
    }

    private static bool Holds(string figure, double value, double most)
    {
        var verdict = value <= most ? "ok" : "TOO MUCH";
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{figure}: {value:0.00}, at most {most:0.00}: {verdict}")
        );
        return value <= most;
    }

    /// <summary>Milliseconds of CPU to write and read a list as JSON, the best of several tries.</summary>
    private static double FixedComputation()
    {
        int[] numbers = [.. Enumerable.Range(0, 20_000)];
        var best = double.MaxValue;
        for (var i = 0; i < 60; i++)
        {
            var before = Environment.CpuUsage.TotalTime;
            for (var j = 0; j < 10; j++)
            {
                _ = JsonSerializer.Deserialize<int[]>(JsonSerializer.SerializeToUtf8Bytes(numbers));
            }

            best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds / 10);
        }

        return best;
    }
}

/// <summary>The cost of one launch.</summary>
internal sealed record LaunchCost(double CpuMilliseconds, double AllocatedKiB, double GrainCalls, double Writes);
