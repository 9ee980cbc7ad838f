using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Grains.Health;

namespace Scheduler.Api.Health;

/// <summary>
/// Reports whether this process is ready. The checks run at most once a second for any number of probes, so that probes
/// cannot load the store. A stop of the process is reported immediately.
/// </summary>
internal sealed partial class HealthBoard(
    IEnumerable<IReadiness> sources,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<HealthBoard> logger
)
{
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    /// <summary>Upper bound of a check; the checks have shorter limits of their own.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    private readonly Lock _asking = new();
    private Task<ImmutableArray<HealthLine>>? _check;
    private long _began;
    private bool _wasReady;

    public async Task<HealthReport> ReadyAsync(CancellationToken cancellationToken)
    {
        Task<ImmutableArray<HealthLine>> check;
        long began;
        lock (_asking)
        {
            if (_check is null || (_check.IsCompleted && clock.GetElapsedTime(_began) >= GoodFor))
            {
                _began = clock.GetTimestamp();
                _check = CheckAsync();
            }

            (check, began) = (_check, _began);
        }

        var lines = await check.WaitAsync(cancellationToken);
        return new HealthReport([Draining(), .. lines], clock.GetElapsedTime(began));
    }

    /// <summary>Whether the process is alive: it answers, and its thread pool starts work.</summary>
    public async Task<HealthReport> LiveAsync(CancellationToken cancellationToken)
    {
        var asked = clock.GetTimestamp();
        var taken = await Task.Run(() => clock.GetElapsedTime(asked), cancellationToken);
        return new HealthReport(
            [new HealthLine("thread_pool", true, $"started work in {taken.TotalMilliseconds:F0} ms")],
            TimeSpan.Zero
        );
    }

    private HealthLine Draining() =>
        lifetime.ApplicationStopping.IsCancellationRequested
            ? new HealthLine("draining", false, "this process is stopping; use another one")
            : new HealthLine("draining", true, "no stop requested");

    private async Task<ImmutableArray<HealthLine>> CheckAsync()
    {
        var lines = (await Task.WhenAll(sources.Select(CheckOneAsync))).SelectMany(found => found).ToImmutableArray();
        var isReady = lines.All(line => line.IsOk);
        if (isReady != _wasReady && !lifetime.ApplicationStopping.IsCancellationRequested)
        {
            _wasReady = isReady;
            if (isReady)
            {
                LogReady();
            }
            else
            {
                LogNotReady(
                    string.Join("; ", lines.Where(line => !line.IsOk).Select(line => $"{line.Name}: {line.Finding}"))
                );
            }
        }

        return lines;
    }

    private async Task<ImmutableArray<HealthLine>> CheckOneAsync(IReadiness source)
    {
        try
        {
            using var longest = new CancellationTokenSource(Longest, clock);
            return await source.CheckAsync(longest.Token).WaitAsync(Longest, clock, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // A probe always gets a response: a check that fails counts as not ready.
            LogCheckFailed(exception);
            return [new HealthLine("look", false, "the check failed; see the log for the cause")];
        }
    }

    [LoggerMessage(3101, LogLevel.Information, "Ready to serve")]
    private partial void LogReady();

    [LoggerMessage(3102, LogLevel.Warning, "Not ready to serve: {Why}")]
    private partial void LogNotReady(string why);

    [LoggerMessage(3103, LogLevel.Warning, "Cannot run a health check; this process counts as not ready")]
    private partial void LogCheckFailed(Exception exception);
}
