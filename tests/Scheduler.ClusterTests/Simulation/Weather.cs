namespace Scheduler.ClusterTests.Simulation;

/// <summary>What troubles a simulated world has, as probabilities.</summary>
internal sealed record Weather
{
    /// <summary>Nothing fails and nothing is slow.</summary>
    public static Weather Calm { get; } = new();

    /// <summary>A message between two silos, or between a client and a silo, is lost.</summary>
    public double Loss { get; init; }

    /// <summary>A message takes seconds.</summary>
    public double Delay { get; init; }

    /// <summary>A write fails before it took effect.</summary>
    public double WriteFailsBefore { get; init; }

    /// <summary>A write takes effect, and its answer is lost.</summary>
    public double WriteFailsAfter { get; init; }

    /// <summary>A write takes seconds.</summary>
    public double WriteIsSlow { get; init; }

    /// <summary>A read fails.</summary>
    public double ReadFails { get; init; }

    /// <summary>A provider does anything but what it was asked at once.</summary>
    public double Whims { get; init; }

    /// <summary>Something befalls a silo within a second.</summary>
    public double SiloTrouble { get; init; }

    /// <summary>An idle activation is collected, or a held machine comes to grief, within a second.</summary>
    public double Mishaps { get; init; }

    /// <summary>One of many climates, from nearly calm to a hurricane: every seed lives in its own.</summary>
    public static Weather Of(Random random)
    {
        double Some(double most) => random.Next(3) == 0 ? 0 : most * random.NextDouble();
        return new Weather
        {
            Loss = Some(0.05),
            Delay = Some(0.05),
            WriteFailsBefore = Some(0.08),
            WriteFailsAfter = Some(0.08),
            WriteIsSlow = Some(0.08),
            ReadFails = Some(0.05),
            Whims = Some(0.7),
            SiloTrouble = Some(0.05),
            Mishaps = Some(0.10),
        };
    }
}
