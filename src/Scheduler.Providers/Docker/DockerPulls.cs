using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Scheduler.Providers.Docker;

/// <summary>The pulls of one host: one for each image, shared by all launches that wait for it.</summary>
/// <remarks>
/// A pull goes on when a launch no longer waits: an image of 10 GB takes longer than the time to allocate, and a launch that
/// ends the pull would begin it again. A pull that is cut by a crash continues with the layers that were complete.
/// </remarks>
internal sealed partial class DockerPulls(
    DockerApi api,
    DockerOptions options,
    string host,
    TimeProvider clock,
    ILogger log
) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Pull>> _running = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Waits until the image is on the host.</summary>
    /// <returns>Null when it is there. Otherwise the engine's words, or the progress of a pull that goes on.</returns>
    internal async Task<(string? Failure, string? Progress)> EnsureAsync(
        string image,
        CancellationToken cancellationToken
    )
    {
        if (await api.HasImageAsync(image, cancellationToken))
        {
            return (null, null);
        }

        var pull = _running.GetOrAdd(image, name => new Lazy<Pull>(() => Begin(name))).Value;
        await clock.WhenOrAfter(pull.Ended, options.PullWait, cancellationToken);
        return pull.Ended.IsCompleted ? (await pull.Ended, null) : (null, pull.Progress);
    }

    public void Dispose()
    {
        if (!_closing.IsCancellationRequested)
        {
            _closing.Cancel();
            _closing.Dispose();
        }
    }

    private Pull Begin(string image)
    {
        var pull = new Pull();
        pull.Ended = RunAsync(image, pull);
        return pull;
    }

    /// <returns>The engine's words about a failure; null after success.</returns>
    private async Task<string?> RunAsync(string image, Pull pull)
    {
        // Not within the lock of the dictionary, and not in the turn of the caller.
        await Task.Yield();
        using var late = new CancellationTokenSource(options.PullTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closing.Token);
        LogPulling(host, image);
        try
        {
            await foreach (var message in api.PullAsync(image, DockerMapping.RegistryAuth(image, options), stop.Token))
            {
                pull.Note(message);
            }

            // The stream of an engine that restarts ends without an error.
            var isThere = await api.HasImageAsync(image, stop.Token);
            LogPulled(host, image, isThere);
            return isThere ? null : "the pull ended without an image";
        }
        catch (Exception e) when (e is DockerException or HttpRequestException or IOException or TimeoutException)
        {
            LogNotPulled(e, host, image);
            return e.Message;
        }
        catch (OperationCanceledException)
        {
            return $"not complete after {options.PullTimeout}";
        }
        finally
        {
            _running.TryRemove(image, out _);
        }
    }

    [LoggerMessage(EventId = 6305, Level = LogLevel.Information, Message = "{Host} pulls {Image}")]
    private partial void LogPulling(string host, string image);

    [LoggerMessage(
        EventId = 6306,
        Level = LogLevel.Information,
        Message = "{Host} ended the pull of {Image}; the image exists: {IsThere}"
    )]
    private partial void LogPulled(string host, string image, bool isThere);

    [LoggerMessage(EventId = 6307, Level = LogLevel.Warning, Message = "{Host} could not pull {Image}")]
    private partial void LogNotPulled(Exception exception, string host, string image);

    private sealed class Pull
    {
        private readonly ConcurrentDictionary<string, (long Current, long Total)> _layers = new(StringComparer.Ordinal);

        internal Task<string?> Ended { get; set; } = Task.FromResult<string?>(null);

        internal string Progress
        {
            get
            {
                var (current, total) = (
                    _layers.Values.Sum(layer => layer.Current),
                    _layers.Values.Sum(layer => layer.Total)
                );
                return total == 0
                    ? "no size known yet"
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{current / 1e9:0.0} of at least {total / 1e9:0.0} GB"
                    );
            }
        }

        internal void Note(EngineMessage message)
        {
            if (
                message is
                { Id: { } layer, Status: "Downloading", Progress: { Current: { } current, Total: { } total } }
            )
            {
                _layers[layer] = (current, total);
            }
            else if (
                message is { Id: { } done, Status: "Download complete" or "Pull complete" }
                && _layers.TryGetValue(done, out var size)
            )
            {
                _layers[done] = (size.Total, size.Total);
            }
        }
    }
}
