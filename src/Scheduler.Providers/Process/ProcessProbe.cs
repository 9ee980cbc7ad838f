using System.Collections.Concurrent;

namespace Scheduler.Providers.Process;

/// <summary>Asks runtimes whether they are healthy, each at most once per probe interval however many want to know.</summary>
/// <remarks>
/// A wrong answer or a refused connection is the runtime's own word, and counts. That no answer comes in time says less: a runtime under
/// load is late, and so is a machine under load, which is no reason to end what works. So silence counts by how long it lasts, not by how
/// often it was met.
/// </remarks>
internal sealed class ProcessProbe(IHttpClientFactory http, ProcessOptions options, TimeProvider clock)
{
    internal const string ClientName = "process-health";

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>What the last question showed, in the light of those before it.</summary>
    internal async Task<ProcessHealth> LookAsync(ProcessRecord record, CancellationToken cancellationToken)
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
            // Nobody listens yet, or no longer: that is the answer.
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

    /// <summary>The row of bad questions that the last one ended.</summary>
    /// <param name="At">When it was asked.</param>
    /// <param name="Refusals">How many were answered badly since the last good answer.</param>
    /// <param name="SilentSince">When the first of those was asked that were not answered at all since the last answer of any kind.</param>
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

/// <summary>What a runtime's health questions say about it.</summary>
internal enum ProcessHealth
{
    /// <summary>It answered the last one well.</summary>
    Healthy,

    /// <summary>It did not; that may pass.</summary>
    Doubtful,

    /// <summary>It has not for too long.</summary>
    Unhealthy,
}
