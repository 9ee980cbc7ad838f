namespace Scheduler.ClusterTests.Simulation;

/// <summary>Probabilities of the faults in a simulated world.</summary>
internal sealed record FaultRates
{
    /// <summary>No faults and no delays.</summary>
    public static FaultRates Calm { get; } = new();

    /// <summary>A message between two silos, or between a client and a silo, is lost.</summary>
    public double Loss { get; init; }

    /// <summary>A message takes seconds.</summary>
    public double Delay { get; init; }

    /// <summary>A write fails before it takes effect.</summary>
    public double WriteFailsBefore { get; init; }

    /// <summary>A write takes effect, and its answer is lost.</summary>
    public double WriteFailsAfter { get; init; }

    /// <summary>A write takes seconds.</summary>
    public double WriteIsSlow { get; init; }

    public double ReadFails { get; init; }

    /// <summary>A provider does not execute a call normally.</summary>
    public double ProviderFaults { get; init; }

    /// <summary>A silo has a fault, per second.</summary>
    public double SiloFaults { get; init; }

    /// <summary>An idle activation is collected, or an allocated machine fails, per second.</summary>
    public double LocalFaults { get; init; }

    /// <summary>Each seed draws its own rates, from almost none to severe.</summary>
    public static FaultRates Of(Random random)
    {
        double Some(double most) => random.Next(3) == 0 ? 0 : most * random.NextDouble();
        return new FaultRates
        {
            Loss = Some(0.05),
            Delay = Some(0.05),
            WriteFailsBefore = Some(0.08),
            WriteFailsAfter = Some(0.08),
            WriteIsSlow = Some(0.08),
            ReadFails = Some(0.05),
            ProviderFaults = Some(0.7),
            SiloFaults = Some(0.05),
            LocalFaults = Some(0.10),
        };
    }
}
