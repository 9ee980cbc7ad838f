using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers;

/// <summary>Probes the health of runtimes over HTTP. A result is reused for half a probe interval.</summary>
/// <remarks>
/// An error status or a refused connection is a definite answer, so each one counts. A timeout is weaker evidence: a
/// runtime or a host under load is late, which is no reason to end a working runtime. So timeouts count by their total
/// duration, not by their number.
/// </remarks>
internal sealed class RuntimeProbe(IHttpClientFactory http, ProbeLimits limits, TimeProvider clock)
{
    internal const string ClientName = "runtime-health";

    private readonly ConcurrentDictionary<string, Seen> _seen = new(StringComparer.Ordinal);

    /// <summary>Health according to the last probe and those before it.</summary>
    /// <param name="allocation">Key of the allocation, under which earlier results are kept.</param>
    /// <param name="address">Address of the health path.</param>
    /// <param name="key">Key that the runtime asks for; null for one without.</param>
    internal async Task<RuntimeHealth> CheckAsync(
        string allocation,
        Uri address,
        RuntimeKey? key,
        CancellationToken cancellationToken
    )
    {
        var asked = clock.GetUtcNow();
        var seen = _seen.GetValueOrDefault(allocation);
        if (seen is null || asked - seen.At >= limits.Every / 2)
        {
            seen = Seen.After(seen, await AskAsync(address, key, cancellationToken), asked);
            _seen[allocation] = seen;
        }

        return HealthOf(seen, clock.GetUtcNow());
    }

    internal void Forget(string allocation) => _seen.TryRemove(allocation, out _);

    private RuntimeHealth HealthOf(Seen seen, DateTimeOffset now) =>
        seen is { Refusals: 0, SilentSince: null } ? RuntimeHealth.Healthy
        : seen.Refusals >= limits.UnhealthyAfterProbes ? RuntimeHealth.Unhealthy
        : now - seen.SilentSince >= limits.UnhealthyAfterSilence ? RuntimeHealth.Unhealthy
        : RuntimeHealth.Doubtful;

    private async Task<ProbeAnswer> AskAsync(Uri address, RuntimeKey? key, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limits.Timeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var client = http.CreateClient(ClientName);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = key is { } secret
            ? new AuthenticationHeaderValue("Bearer", secret.Value)
            : null;
        try
        {
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop.Token);
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

internal enum RuntimeHealth
{
    /// <summary>The last probe succeeded.</summary>
    Healthy,

    /// <summary>The last probe failed, but the limits of <see cref="Unhealthy"/> are not reached.</summary>
    Doubtful,

    /// <summary>Too many error answers, or no answer for too long.</summary>
    Unhealthy,
}

/// <param name="Every">Interval of the probes of one runtime.</param>
/// <param name="Timeout">How long one probe waits for an answer.</param>
/// <param name="UnhealthyAfterProbes">Consecutive error answers after which a runtime is unhealthy, ≥ 1.</param>
/// <param name="UnhealthyAfterSilence">How long it may answer no probe before it is unhealthy.</param>
internal sealed record ProbeLimits(
    TimeSpan Every,
    TimeSpan Timeout,
    int UnhealthyAfterProbes,
    TimeSpan UnhealthyAfterSilence
);
