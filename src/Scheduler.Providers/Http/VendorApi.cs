using System.Net.Http.Headers;
using System.Text;

namespace Scheduler.Providers.Http;

/// <summary>Sends the calls of one account: credential, rate gate, time limits, retries, bounded answers.</summary>
/// <remarks>
/// <para>
/// Retries are written here and not taken from a resilience pipeline. A retry must pass the rate gate again, by its kind, and
/// which call may be repeated at all is a matter of money: a read may, a create never.
/// </para>
/// <para>
/// A create uses a connection of its own. On a kept connection that the vendor has just closed, the HTTP client may send a
/// request a second time without telling.
/// </para>
/// </remarks>
internal sealed class VendorApi : IDisposable
{
    private const int MaxAttempts = 3;

    /// <summary>A longer answer is refused; the longest lists of vendors have some MB.</summary>
    private const int MaxBytes = 16 << 20;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(500);

    private readonly string _vendor;
    private readonly VendorOptions _options;
    private readonly TimeProvider _clock;
    private readonly IHttpClientFactory _http;
    private readonly RateGate _gate;

    internal VendorApi(
        string vendor,
        VendorOptions options,
        RateLimits limits,
        IHttpClientFactory http,
        TimeProvider clock
    )
    {
        _vendor = vendor;
        _options = options;
        _clock = clock;
        _http = http;
        _gate = new RateGate(vendor, limits with { Share = options.RateShare }, clock);
        Credential = new VendorCredential(vendor, options, clock);
    }

    internal VendorCredential Credential { get; }

    /// <summary>Adds the API key to a request; the default is a bearer token.</summary>
    internal Action<HttpRequestMessage, string> Authorize { get; init; } =
        (request, key) => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);

    /// <summary>Whether an answer refuses the API key; the default is status 401.</summary>
    internal Func<VendorAnswer, bool> RefusesCredential { get; init; } = answer => answer.Status == 401;

    /// <summary>Name of the HTTP client of reads, and of that with one connection per call.</summary>
    internal static (string Reads, string Once) ClientNames(string vendor) => ($"{vendor}-api", $"{vendor}-api-once");

    /// <summary>
    /// Sends a call that may be repeated, and repeats it after a lost connection, a 429 or a 5xx. Returns error answers too.
    /// </summary>
    /// <exception cref="VendorException">There is no answer, or it cannot be used.</exception>
    internal async Task<VendorAnswer> ReadAsync(VendorCall call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            await _gate.EnterAsync(call.Kind, cancellationToken);
            try
            {
                var answer = await SendAsync(call, _options.CallTimeout, isOnce: false, cancellationToken);
                if (attempt == MaxAttempts || answer.Status is not (429 or >= 500))
                {
                    return answer;
                }
            }
            catch (VendorException e)
                when (attempt < MaxAttempts && e is not CredentialRefusedException and not VendorBusyException)
            {
                // A read has no effect, so it is sent again.
            }

            await _clock.Delay(RetryPause * attempt, cancellationToken);
        }
    }

    /// <summary>Waits until a create request may be sent; send it right after with <see cref="SendOnceAsync"/>.</summary>
    internal Task EnterCreateAsync(CancellationToken cancellationToken) =>
        _gate.EnterAsync(CallKind.Create, cancellationToken);

    /// <summary>Sends a call exactly once, without passing the gate.</summary>
    /// <exception cref="VendorNotAskedException">It was not sent.</exception>
    /// <exception cref="VendorException">It was sent, or may have been; its effect is not known.</exception>
    internal Task<VendorAnswer> SendOnceAsync(VendorCall call, CancellationToken cancellationToken) =>
        SendAsync(call, _options.CreateTimeout, isOnce: true, cancellationToken);

    /// <summary>
    /// Reads lines of an answer that may never end, until none comes for a while or there are enough.
    /// </summary>
    /// <returns>The lines; null if the answer is an error.</returns>
    internal async Task<IReadOnlyList<string>?> ReadLinesAsync(
        VendorCall call,
        TimeSpan idle,
        int maxLines,
        CancellationToken cancellationToken
    )
    {
        await _gate.EnterAsync(call.Kind, cancellationToken);
        using var late = new CancellationTokenSource(_options.CallTimeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        var lines = new List<string>();
        try
        {
            using var request = MakeRequest(call, await Credential.ReadAsync(either.Token));
            using var client = _http.CreateClient(ClientNames(_vendor).Reads);
            using var response = await client.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                either.Token
            );
            _gate.Observe((int)response.StatusCode, response.Headers);
            if (!response.IsSuccessStatusCode)
            {
                return null;
            }

            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(either.Token), Encoding.UTF8);
            var bytes = 0;
            while (lines.Count < maxLines && bytes < MaxBytes)
            {
                if (
                    await reader.ReadLineAsync(either.Token).AsTask().WaitAsync(idle, _clock, either.Token)
                    is not { } line
                )
                {
                    break;
                }

                lines.Add(line);
                bytes += line.Length;
            }
        }
        catch (Exception e)
            when (e is TimeoutException or HttpRequestException or IOException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            // The lines so far are the answer: such a stream has no end.
        }

        return lines;
    }

    public void Dispose() => _gate.Dispose();

    private async Task<VendorAnswer> SendAsync(
        VendorCall call,
        TimeSpan limit,
        bool isOnce,
        CancellationToken cancellationToken
    )
    {
        var key = await Credential.ReadAsync(cancellationToken);
        using var late = new CancellationTokenSource(limit, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var request = MakeRequest(call, key);
        var (reads, once) = ClientNames(_vendor);
        using var client = _http.CreateClient(isOnce ? once : reads);
        VendorAnswer answer;
        var isAnswered = false;
        try
        {
            using var response = await client.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                either.Token
            );
            isAnswered = true;
            _gate.Observe((int)response.StatusCode, response.Headers);
            var body = await ReadBodyAsync(response, either.Token);
            answer = new VendorAnswer(_vendor, call.Name, (int)response.StatusCode, body, key);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new VendorException($"{_vendor} did not answer {call.Name} within {limit}", e)
            {
                WasAnswered = isAnswered,
            };
        }
        catch (HttpRequestException e) when (WasNotSent(e))
        {
            throw new VendorNotAskedException($"{_vendor} cannot be reached: {VendorWords.Clean(e.Message, key)}", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new VendorException(
                $"The answer of {_vendor} to {call.Name} was lost: {VendorWords.Clean(e.Message, key)}",
                e
            )
            {
                WasAnswered = isAnswered,
            };
        }

        return RefusesCredential(answer) ? throw Credential.Refuse(key, answer.Error.Words) : answer;
    }

    private HttpRequestMessage MakeRequest(VendorCall call, string key)
    {
        var root = _options.BaseUrl.TrimEnd('/') + "/";
        var request = new HttpRequestMessage(call.Method, new Uri(new Uri(root), call.Path));
        Authorize(request, key);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("gpu-scheduler", null));
        if (call.BodyText is { } body)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        return request;
    }

    private async Task<byte[]> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var body = new MemoryStream();
        var part = new byte[16 << 10];
        for (int read; (read = await stream.ReadAsync(part, cancellationToken)) > 0; )
        {
            if (body.Length + read > MaxBytes)
            {
                throw new VendorException($"An answer of {_vendor} is longer than {MaxBytes >> 20} MiB");
            }

            await body.WriteAsync(part.AsMemory(0, read), cancellationToken);
        }

        return body.ToArray();
    }

    /// <summary>Whether the failure came before the request: no address, no connection, no TLS.</summary>
    private static bool WasNotSent(HttpRequestException exception) =>
        exception.HttpRequestError
            is HttpRequestError.NameResolutionError
                or HttpRequestError.ConnectionError
                or HttpRequestError.SecureConnectionError
                or HttpRequestError.ProxyTunnelError;
}
