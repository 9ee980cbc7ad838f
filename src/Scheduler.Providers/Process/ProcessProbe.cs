using System.Collections.Concurrent;

namespace Scheduler.Providers.Process;

/// <summary>Probes the health of runtimes. A result is reused for half a probe interval.</summary>
/// <remarks>
/// An error status or a refused connection is a definite answer, so each one counts. A timeout is weaker evidence: a
/// runtime or a host under load is late, which is no reason to end a working runtime. So timeouts count by their total
/// duration, not by their number.
/// </remarks>
internal sealed class ProcessProbe(IHttpClientFactory http, ProcessOptions options, TimeProvider clock)
{
    internal const string ClientName = "process-health";

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>Health according to the last probe and those before it.</summary>
    internal async Task<ProcessHealth> CheckAsync(ProcessRecord record, CancellationToken cancellationToken)
    {
        var asked = clock.GetUtcNow();
        var seen = _seen.GetValueOrDefault(record.Key);
        if (seen is null || asked - seen.At >= options.ProbeEvery / 2)
        {
            seen = Seen.After(seen, await AskAsync(record, cancellationToken), asked);
            _seen[record.Key] = seen;
        }

        return HealthOf(seen, clock.GetUtcNow());
    }

    internal void Forget(string key) => _seen.TryRemove(key, out _);

    internal static Uri Endpoint(ProcessRecord record, ProcessOptions options) =>
        new UriBuilder(Uri.UriSchemeHttp, options.Host, record.Port).Uri;

    private ProcessHealth HealthOf(Seen seen, DateTimeOffset now) =>
        seen is { Refusals: 0, SilentSince: null } ? ProcessHealth.Healthy
        : seen.Refusals >= options.UnhealthyAfterProbes ? ProcessHealth.Unhealthy
        : now - seen.SilentSince >= options.UnhealthyAfterSilence ? ProcessHealth.Unhealthy
        : ProcessHealth.Doubtful;

    private async Task<ProbeAnswer> AskAsync(ProcessRecord record, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.ProbeTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var client = http.CreateClient(ClientName);
        try
        {
            var address = new Uri(Endpoint(record, options), record.HealthPath);
            using var answer = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, stop.Token);
            return answer.IsSuccessStatusCode ? ProbeAnswer.Healthy : ProbeAnswer.Refused;
        }
        catch (HttpRequestException)
        {
            // Nothing listens on the port yet, or no longer.
            return ProbeAnswer.Refused;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ProbeAnswer.Silent;
        }
    }

    private enum ProbeAnswer
    {
        Healthy,
        Refused,
        Silent,
    }

    /// <param name="Refusals">Number of error answers since the last good one.</param>
    /// <param name="SilentSince">
    /// Time of the first probe without an answer since the last answer of any kind; null if the last probe was
    /// answered.
    /// </param>
    private sealed record Seen(DateTimeOffset At, int Refusals, DateTimeOffset? SilentSince)
    {
        internal static Seen After(Seen? before, ProbeAnswer answer, DateTimeOffset asked) =>
            answer switch
            {
                ProbeAnswer.Refused => new Seen(asked, (before?.Refusals ?? 0) + 1, null),
                ProbeAnswer.Silent => new Seen(asked, before?.Refusals ?? 0, before?.SilentSince ?? asked),
                _ => new Seen(asked, 0, null),
            };
    }
}

internal enum ProcessHealth
{
    /// <summary>The last probe succeeded.</summary>
    Healthy,

    /// <summary>The last probe failed, but the limits of <see cref="Unhealthy"/> are not reached.</summary>
    Doubtful,

    /// <summary>Too many error answers, or no answer for too long.</summary>
    Unhealthy,
}
