using Microsoft.AspNetCore.Hosting.Server;

namespace Scheduler.Host.Clustering;

/// <summary>
/// Stops the process without losing work. All acknowledged work continues in the other silos, or after the next start.
/// </summary>
/// <remarks>
/// <list type="number">
/// <item><c>/readyz</c> reports not ready, and watches end with UNAVAILABLE, so that callers use another process.</item>
/// <item>New requests are accepted for <see cref="HostOptions.DrainFor"/>, until load balancers have noticed.</item>
/// <item>The ports close; requests in progress have <see cref="HostOptions.FinishWithin"/> to finish.</item>
/// <item>
/// The work of instances ends, then the background services stop, then the silo. It leaves the membership. Its grains
/// activate in other silos, where the agenda wakes them.
/// </item>
/// </list>
/// Step 1 follows from <see cref="IHostApplicationLifetime.ApplicationStopping"/>. This class does steps 2 and 3, before
/// any other service stops. Step 4 follows from the order in which the services were added.
/// </remarks>
internal sealed partial class GracefulStop(
    IServer server,
    HostOptions options,
    TimeProvider clock,
    ILogger<GracefulStop> logger
) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // A process with the role silo gets no requests from a load balancer.
        var drainFor = options.Role == HostRole.Silo ? TimeSpan.Zero : options.DrainFor;
        LogStopping(drainFor);
        if (drainFor > TimeSpan.Zero)
        {
            await Task.Delay(drainFor, clock, cancellationToken);
        }

        using var enough = new CancellationTokenSource(options.FinishWithin, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, cancellationToken);
        await server.StopAsync(either.Token);
        if (enough.IsCancellationRequested)
        {
            LogCutOff(options.FinishWithin);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(4103, LogLevel.Information, "Stop requested; new requests are accepted for another {DrainFor}")]
    private partial void LogStopping(TimeSpan drainFor);

    [LoggerMessage(4104, LogLevel.Warning, "Requests did not finish within {FinishWithin}; they were aborted")]
    private partial void LogCutOff(TimeSpan finishWithin);
}
