using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Services;

namespace Scheduler.Inference.Services;

/// <summary>
/// Tells each service grain the load of its service in this process: one message a second while there is any, one when it has ended, and
/// one at once for the first held request.
/// </summary>
internal sealed partial class LoadReporter(
    IGrainFactory grains,
    LoadMeter meter,
    TimeProvider clock,
    ILogger<LoadReporter> logger
) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    // A random name: callers of many accounts read it, and the host name must not be revealed to them.
    private readonly string _gateway =
        "gateway-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 8);

    private readonly PeriodicTimer _timer = new(Every, clock);
    private long _sequence;

    /// <summary>Reports now, because a service may have to wake up.</summary>
    public void ReportNow(ServiceTraffic traffic)
    {
        traffic.IsReported = true;
        Post(traffic.Id, LoadOf(traffic));
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(
            meter
                .Services.Where(known => known.IsReported)
                .Select(traffic => SendAsync(traffic.Id, Numbered(new LoadReport())))
        );
    }

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var last = clock.GetTimestamp();
        while (await _timer.WaitForNextTickAsync(stoppingToken))
        {
            var now = clock.GetTimestamp();
            ReportAll(clock.GetElapsedTime(last, now));
            last = now;
        }
    }

    /// <param name="since">Time since the last call.</param>
    private void ReportAll(TimeSpan since)
    {
        foreach (var traffic in meter.Services)
        {
            var tokens = traffic.TakeTokens();
            var load = LoadOf(traffic) with { TokensPerSecond = PerSecond(tokens, since) };
            if (load is not { Outstanding: 0, Held: 0, TokensPerSecond: 0 })
            {
                traffic.IsReported = true;
                Post(traffic.Id, load);
            }
            else if (traffic.IsReported)
            {
                traffic.IsReported = false;
                Post(traffic.Id, load);
            }
            else
            {
                // Idle for a second, and said so.
                meter.TryForget(traffic);
            }
        }
    }

    private static long PerSecond(long tokens, TimeSpan since) =>
        since > TimeSpan.Zero ? (long)Math.Ceiling(tokens / Math.Max(since.TotalSeconds, 0.1)) : tokens;

    private static LoadReport LoadOf(ServiceTraffic traffic)
    {
        var replicas = traffic.AtReplicas();
        return new LoadReport
        {
            Outstanding = replicas.Sum(replica => replica.Outstanding),
            Held = traffic.Held.Count,
            Replicas = replicas,
        };
    }

    private void Post(ServiceId service, LoadReport load) => SendAsync(service, Numbered(load)).Ignore();

    private LoadReport Numbered(LoadReport load) =>
        load with
        {
            Gateway = _gateway,
            Sequence = Interlocked.Increment(ref _sequence),
        };

    private async Task SendAsync(ServiceId service, LoadReport load)
    {
        try
        {
            await grains.Service(service).ReportLoadAsync(load);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            // The next second's report says the same.
            LogNotReported(exception, service.Value);
        }
    }

    [LoggerMessage(3305, LogLevel.Debug, "Could not report the load of service {Service}")]
    private partial void LogNotReported(Exception exception, string service);
}
