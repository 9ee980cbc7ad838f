using System.Collections.Immutable;
using Scheduler.Api.Health;
using Scheduler.Grains;
using Scheduler.Grains.Health;

namespace Scheduler.Host.Clustering;

/// <summary>A process without a silo is ready if any silo answers and is ready itself.</summary>
internal sealed partial class ApiReadiness(IGrainFactory grains, TimeProvider clock, ILogger<ApiReadiness> logger)
    : IReadiness
{
    /// <summary>Longer than the 2 s timeout of a silo for its store.</summary>
    private static readonly TimeSpan SiloAnswers = TimeSpan.FromSeconds(2.5);

    public async Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            var lines = await grains.Health().CheckAsync().WaitAsync(SiloAnswers, clock, cancellationToken);
            return [new HealthLine("silo", true, "a silo answers"), .. lines];
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNoSilo(exception);
            return [new HealthLine("silo", false, "no silo answers")];
        }
    }

    [LoggerMessage(4102, LogLevel.Warning, "No silo answered the health check; this process is not ready")]
    private partial void LogNoSilo(Exception exception);
}
