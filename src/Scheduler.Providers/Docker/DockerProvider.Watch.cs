using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Docker;

internal sealed partial class DockerProvider
{
    private static readonly TimeSpan FirstReconnect = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestReconnect = TimeSpan.FromSeconds(30);

    /// <remarks>
    /// The engine's events say at once that a container ended. They do not say that a runtime became healthy, so all are also
    /// looked at in intervals. An event is only a bell: what is reported is always read again.
    /// </remarks>
    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var bell = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
        );
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = ListenAsync(cluster, bell.Writer, stop.Token);
        var reported = new Dictionary<string, AllocationStatus>(StringComparer.Ordinal);
        try
        {
            while (true)
            {
                // Null while the host does not answer: then nothing is known to have changed.
                if (await TryListAsync(cluster, cancellationToken) is { } all)
                {
                    foreach (var allocation in Changed(all, reported))
                    {
                        yield return allocation;
                    }
                }

                await _clock.WhenOrAfter(
                    bell.Reader.WaitToReadAsync(stop.Token).AsTask(),
                    _options.ProbeEvery,
                    cancellationToken
                );
                bell.Reader.TryRead(out _);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await listening;
        }
    }

    private static List<Allocation> Changed(
        IReadOnlyList<Allocation> all,
        Dictionary<string, AllocationStatus> reported
    )
    {
        var changed = all.Where(allocation =>
                !reported.TryGetValue(allocation.ProviderAllocationId, out var last) || last != allocation.Status
            )
            .ToList();
        reported.Clear();
        foreach (var allocation in all)
        {
            reported[allocation.ProviderAllocationId] = allocation.Status;
        }

        return changed;
    }

    private async Task<IReadOnlyList<Allocation>?> TryListAsync(string cluster, CancellationToken cancellationToken)
    {
        try
        {
            return await ListAsync(cluster, withNew: false, cancellationToken);
        }
        catch (Exception e) when (IsWeather(e))
        {
            LogUnreachable(e, _host);
            return null;
        }
    }

    /// <summary>Rings for each event, and connects again when the stream ends.</summary>
    private async Task ListenAsync(string cluster, ChannelWriter<bool> bell, CancellationToken cancellationToken)
    {
        var since = _clock.GetUtcNow();
        var pause = FirstReconnect;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var label = $"{DockerLabels.ClusterLabel}={cluster}";
                await foreach (var happened in _api.EventsAsync(label, since, cancellationToken))
                {
                    // Repeated from the last event on after a reconnect, so that none is missed.
                    since = DateTimeOffset.UnixEpoch.AddTicks(happened.TimeNano / TimeSpan.NanosecondsPerTick);
                    pause = FirstReconnect;
                    bell.TryWrite(true);
                }

                await _clock.Delay(pause, cancellationToken);
            }
            catch (Exception e) when (IsWeather(e) && !cancellationToken.IsCancellationRequested)
            {
                LogNoEvents(e, _host);
                await WaitAsync(pause, cancellationToken);
                pause = pause * 2 < LongestReconnect ? pause * 2 : LongestReconnect;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task WaitAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            await _clock.Delay(pause, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at the token.
        }
    }

    private static bool IsWeather(Exception e) =>
        e is DockerException or HttpRequestException or IOException or TimeoutException;
}
