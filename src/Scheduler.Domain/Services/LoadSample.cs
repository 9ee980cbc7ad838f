namespace Scheduler.Domain.Services;

/// <summary>The load of a service at one moment, summed over all gateways.</summary>
/// <param name="Outstanding">Requests being answered.</param>
/// <param name="Held">Requests that wait in a gateway for a ready replica.</param>
/// <param name="TokensPerSecond">Output tokens a second.</param>
public sealed record LoadSample(DateTimeOffset At, double Outstanding, double Held, double TokensPerSecond)
{
    /// <summary>Requests outstanding at the service: answered and held ones.</summary>
    public double Requests => Outstanding + Held;
}
