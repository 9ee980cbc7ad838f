using System.Collections.Immutable;

namespace Scheduler.TestKit.Spot;

/// <summary>
/// Generates traces of nine zones over 45 days of 195 s ticks. Each zone is up while a smooth random level is below the level that it exceeds in
/// the wanted part of the ticks. The levels share a part that is common to all zones and one that is common to three neighbours.
/// </summary>
public static class SpotTraceGenerator
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(195);
    public static readonly TimeSpan Length = TimeSpan.FromDays(45);

    /// <summary>Share of ticks in which any zone, and at least two, are up; the generated ones differ by at most <see cref="Tolerance"/>.</summary>
    public const double AnyUp = 0.992;
    public const double TwoUp = 0.977;
    public const double Tolerance = 0.004;

    private const int ZonesPerRegion = 3;

    /// <summary>Variance of the level that all zones share, and that neighbours share besides.</summary>
    private const double Common = 0.33;
    private const double Regional = 0.2;

    /// <summary>Time in which a level is forgotten; with it a zone stays up or down for hours.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromHours(2.8);

    /// <summary>Part of the ticks in which each zone is up, in the order of the list.</summary>
    private static readonly ImmutableArray<double> Availabilities =
    [
        0.17,
        0.42,
        0.54,
        0.62,
        0.70,
        0.77,
        0.83,
        0.87,
        0.91,
    ];

    /// <summary>The same trace for the same seed.</summary>
    public static SpotTrace Generate(int seed)
    {
        var random = new Random(seed);
        // Rare outages of all zones differ much between traces; only those like the wanted ones are used.
        for (; ; )
        {
            var trace = Attempt(random);
            if (Math.Abs(trace.ShareOf(1) - AnyUp) <= Tolerance && Math.Abs(trace.ShareOf(2) - TwoUp) <= Tolerance)
            {
                return trace;
            }
        }
    }

    private static SpotTrace Attempt(Random random)
    {
        var ticks = (int)(Length / Interval);
        var common = Level(random, ticks);
        var regional = new double[Availabilities.Length / ZonesPerRegion][];
        for (var region = 0; region < regional.Length; region++)
        {
            regional[region] = Level(random, ticks);
        }

        var up = new bool[Availabilities.Length][];
        for (var zone = 0; zone < up.Length; zone++)
        {
            var own = Level(random, ticks);
            var level = new double[ticks];
            for (var tick = 0; tick < ticks; tick++)
            {
                level[tick] =
                    (Math.Sqrt(Common) * common[tick])
                    + (Math.Sqrt(Regional) * regional[zone / ZonesPerRegion][tick])
                    + (Math.Sqrt(1 - Common - Regional) * own[tick]);
            }

            var limit = level.Order().ElementAt((int)(Availabilities[zone] * ticks) - 1);
            up[zone] = Array.ConvertAll(level, value => value <= limit);
        }

        return new SpotTrace(
            Interval,
            [.. Enumerable.Range(0, ticks).Select(tick => up.Select(zone => zone[tick]).ToImmutableArray())]
        );
    }

    /// <summary>A smooth random walk that returns to its mean: mean 0, variance 1 over the trace.</summary>
    private static double[] Level(Random random, int ticks)
    {
        var kept = Math.Exp(-Interval / Memory);
        var step = Math.Sqrt(1 - (kept * kept));
        var (rough, smooth) = (Normal(random), 0.0);
        var level = new double[ticks];
        for (var tick = -(int)(6 * Memory / Interval); tick < ticks; tick++)
        {
            rough = (kept * rough) + (step * Normal(random));
            smooth = (kept * smooth) + ((1 - kept) * rough);
            if (tick >= 0)
            {
                level[tick] = smooth;
            }
        }

        var mean = level.Average();
        var deviation = Math.Sqrt(level.Average(value => (value - mean) * (value - mean)));
        return Array.ConvertAll(level, value => (value - mean) / deviation);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
