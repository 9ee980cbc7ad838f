using System.Collections.Concurrent;

namespace Scheduler.Providers.Process;

/// <summary>Asks runtimes whether they are healthy, each at most once per probe interval however many want to know.</summary>
internal sealed class ProcessProbe(IHttpClientFactory http, ProcessOptions options, TimeProvider clock)
{
    internal const string ClientName = "process-health";

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>How many questions in a row failed; 0 is healthy.</summary>
    internal async Task<int> FailuresInARowAsync(ProcessRecord record, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var before = _seen.GetValueOrDefault(record.Key);
        if (before is not null && now - before.At < options.ProbeEvery / 2)
        {
            return before.Failures;
        }

        var failures = await IsHealthyAsync(record, cancellationToken) ? 0 : (before?.Failures ?? 0) + 1;
        _seen[record.Key] = new Seen(now, failures);
        return failures;
    }

    internal void Forget(string key) => _seen.TryRemove(key, out _);

    internal static Uri Endpoint(ProcessRecord record, ProcessOptions options) =>
        new UriBuilder(Uri.UriSchemeHttp, options.Host, record.Port).Uri;

    private async Task<bool> IsHealthyAsync(ProcessRecord record, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.ProbeTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var client = http.CreateClient(ClientName);
        try
        {
            var address = new Uri(Endpoint(record, options), record.HealthPath);
            using var answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, stop.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // Nobody listens yet, or no longer: that is the answer.
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private sealed record Seen(DateTimeOffset At, int Failures);
}
