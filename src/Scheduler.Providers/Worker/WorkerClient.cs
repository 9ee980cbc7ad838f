using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Worker;

/// <summary>Calls the worker of one host. Every call ends within the time limit, and fails with <see cref="WorkerException"/>.</summary>
internal sealed class WorkerClient : IDisposable
{
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(5);

    /// <summary>A connection is replaced after this time, so that the next one is checked against the present certificates.</summary>
    private static readonly TimeSpan ConnectionAge = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http;
    private readonly string _host;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;

    internal WorkerClient(JoinedHost host, HostTrust trust, TimeSpan timeout, TimeProvider clock)
    {
        var (authority, client) = (trust.Authority!, trust.Client!);
        (_host, _timeout, _clock) = (host.Name, timeout, clock);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectTimeout = timeout < ConnectWithin ? timeout : ConnectWithin,
            PooledConnectionLifetime = ConnectionAge,
            SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = host.Name,
                ClientCertificateContext = SslStreamCertificateContext.Create(client, null, offline: true),
                RemoteCertificateValidationCallback = (_, shown, _, _) =>
                    shown is X509Certificate2 own && HostAuthority.IsHost(own, authority, host.Name, clock.GetUtcNow()),
            },
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(host.Address),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = WorkerWire.LongestBody,
        };
    }

    internal Task<WorkerOffers> OffersAsync(CancellationToken cancellationToken) =>
        SendAsync<WorkerOffers>(HttpMethod.Get, WorkerWire.Offers, null, cancellationToken);

    internal Task<WorkerState> StateAsync(CancellationToken cancellationToken) =>
        SendAsync<WorkerState>(HttpMethod.Get, WorkerWire.Status, null, cancellationToken);

    internal async Task<AllocateOutcome> AllocateAsync(
        AllocationRequest request,
        string offerId,
        CancellationToken cancellationToken
    )
    {
        using var body = JsonContent.Create(request.ToWire(offerId), options: WorkerWire.Json);
        var answer = await SendAsync<WorkerAllocated>(HttpMethod.Post, WorkerWire.Allocations, body, cancellationToken);
        return answer switch
        {
            { Allocation: { } allocation } => AllocateOutcome.Allocated(allocation),
            { Rejection: { } rejection } => AllocateOutcome.Rejected(rejection.Kind, rejection.ProviderWords),
            _ => throw Strange("an allocation answer without an allocation or a rejection"),
        };
    }

    internal async Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        (await SendAsync<WorkerFound>(HttpMethod.Get, PathOf(key), null, cancellationToken)).Allocation;

    internal async Task<string> OutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        await SendAsync<string>(HttpMethod.Get, $"{PathOf(key)}/output", null, cancellationToken);

    internal async Task<IReadOnlyList<Allocation>> ListAsync(string cluster, CancellationToken cancellationToken) =>
        (
            await SendAsync<WorkerAllocations>(
                HttpMethod.Get,
                $"{WorkerWire.Allocations}?cluster={Uri.EscapeDataString(cluster)}",
                null,
                cancellationToken
            )
        ).Allocations;

    internal async Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken) =>
        (await SendAsync<WorkerReleased>(HttpMethod.Delete, PathOf(key), null, cancellationToken)).Outcome switch
        {
            ReleaseOutcome.Released => ReleaseOutcome.Released,
            ReleaseOutcome.Pending => ReleaseOutcome.Pending,
            _ => throw Strange("a release answer without an outcome"),
        };

    internal async Task<string> SigningRequestAsync(CancellationToken cancellationToken) =>
        (await SendAsync<WorkerPem>(HttpMethod.Post, WorkerWire.SigningRequest, null, cancellationToken)).Pem;

    internal async Task SetCertificateAsync(string certificate, CancellationToken cancellationToken)
    {
        using var body = JsonContent.Create(new WorkerPem { Pem = certificate }, options: WorkerWire.Json);
        await SendAsync<WorkerPem>(HttpMethod.Put, WorkerWire.Certificate, body, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private static string PathOf(AllocationKey key) => $"{WorkerWire.Allocations}/{Uri.EscapeDataString(key.Value)}";

    private async Task<T> SendAsync<T>(
        HttpMethod method,
        string path,
        HttpContent? body,
        CancellationToken cancellationToken
    )
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var late = new CancellationTokenSource(_timeout, _clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var request = new HttpRequestMessage(method, path) { Content = body };
        try
        {
            using var answer = await _http.SendAsync(request, stop.Token);
            if (!answer.IsSuccessStatusCode)
            {
                throw Strange($"status {(int)answer.StatusCode}");
            }

            return await answer.Content.ReadFromJsonAsync<T>(WorkerWire.Json, stop.Token)
                ?? throw Strange("an empty answer");
        }
        catch (HttpRequestException exception)
        {
            throw new WorkerException($"Host {_host} does not answer: {exception.Message}", exception)
            {
                IsUnsent =
                    exception.HttpRequestError
                        is HttpRequestError.ConnectionError
                            or HttpRequestError.SecureConnectionError
                            or HttpRequestError.NameResolutionError,
            };
        }
        catch (Exception exception) when (exception is JsonException or FormatException or NotSupportedException)
        {
            throw Strange("what is no JSON of a worker", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new WorkerException($"Host {_host} does not answer within {_timeout}.", exception);
        }
    }

    private WorkerException Strange(string what, Exception? cause = null) =>
        new($"Host {_host} answered with {what}.", cause) { IsAnswer = true };
}
