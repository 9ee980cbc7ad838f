using Microsoft.AspNetCore.Hosting.Server;

namespace Scheduler.Host.Clustering;

/// <summary>The way out of a process that is asked to stop. Everything acknowledged goes on in the other silos, or after the next start.</summary>
/// <remarks>
/// <list type="number">
/// <item>At once: <c>/readyz</c> says no, and watches end with UNAVAILABLE, so that their callers go elsewhere.</item>
/// <item>For <see cref="HostOptions.DrainFor"/> the server go on taking work, until balancers have noticed.</item>
/// <item>The server close; what is under way gets <see cref="HostOptions.FinishWithin"/> to finish.</item>
/// <item>
/// The keepers stop, then the silo: it leaves the membership, its grains call off their work and are found in other silos from then on,
/// where the agenda wakes them.
/// </item>
/// </list>
/// The first happens by the host's <see cref="IHostApplicationLifetime.ApplicationStopping"/>, the second and third here, before any other
/// service is told to stop, the last by the order in which services were added.
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
        // A silo without server has nothing that a balancer sends.
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

    [LoggerMessage(4103, LogLevel.Information, "Asked to stop; the server close in {DrainFor}")]
    private partial void LogStopping(TimeSpan drainFor);

    [LoggerMessage(4104, LogLevel.Warning, "Requests that took longer than {FinishWithin} were cut off")]
    private partial void LogCutOff(TimeSpan finishWithin);
}
