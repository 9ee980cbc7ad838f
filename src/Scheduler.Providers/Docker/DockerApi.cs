using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Docker;

/// <summary>The calls of the Engine API that the adapter makes to one host.</summary>
/// <remarks>
/// Own code instead of a client library: the library for .NET has no ssh, waits by the wall clock, and reads answers of any
/// size.
/// </remarks>
internal sealed class DockerApi : IDisposable
{
    /// <summary>Docker 20.10 and Podman 4. Older ones lack members that the adapter reads.</summary>
    private static readonly Version Oldest = new(1, 41);

    /// <summary>The newest that the adapter was tested with.</summary>
    private static readonly Version Newest = new(1, 51);

    /// <summary>A list of thousands of containers.</summary>
    private const int MaxAnswerBytes = 32 << 20;

    /// <summary>An error page of a proxy may be longer.</summary>
    private const int MaxWords = 1024;

    private static readonly string[] EventTypes = ["container"];

    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _clock;
    private readonly string _host;
    private string? _version;
    private Version? _podman;

    internal DockerApi(string host, HttpMessageHandler handler, TimeSpan timeout, TimeProvider clock)
    {
        _host = host;
        _timeout = timeout;
        _clock = clock;
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri("http://docker/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Version of Podman; null for Docker.</summary>
    internal async Task<Version?> PodmanAsync(CancellationToken cancellationToken)
    {
        await VersionAsync(cancellationToken);
        return _podman;
    }

    /// <param name="label">The label that the containers have, <c>name</c> or <c>name=value</c>.</param>
    internal async Task<IReadOnlyList<ListedContainer>> ListAsync(string label, CancellationToken cancellationToken)
    {
        var filters = JsonSerializer.Serialize(new { label = new[] { label } });
        return await ReadAsync<IReadOnlyList<ListedContainer>>(
                HttpMethod.Get,
                $"containers/json?all=1&filters={Uri.EscapeDataString(filters)}",
                null,
                cancellationToken
            ) ?? [];
    }

    /// <returns>Null when there is none.</returns>
    internal Task<InspectedContainer?> InspectAsync(string idOrName, CancellationToken cancellationToken) =>
        ReadAsync<InspectedContainer>(HttpMethod.Get, $"containers/{Escape(idOrName)}/json", null, cancellationToken);

    /// <returns>The id; null when the name is taken.</returns>
    /// <exception cref="DockerException">404: no such image. 400: a bad parameter.</exception>
    internal async Task<string?> CreateAsync(string name, NewContainer body, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(body, options: DockerWire.Json);
        using var answer = await SendAsync(
            HttpMethod.Post,
            $"containers/create?name={Escape(name)}",
            content,
            cancellationToken
        );
        if (answer.StatusCode == HttpStatusCode.Conflict)
        {
            return null;
        }

        await ThrowIfErrorAsync(answer, cancellationToken);
        var created = await ParseAsync<CreatedContainer>(answer, cancellationToken);
        return created.Id;
    }

    /// <summary>Starts it; does nothing when it runs.</summary>
    internal Task StartAsync(string id, CancellationToken cancellationToken) =>
        DoAsync(HttpMethod.Post, $"containers/{Escape(id)}/start", [HttpStatusCode.NotModified], cancellationToken);

    /// <summary>Sends a signal; does nothing when it does not run or is gone.</summary>
    internal Task SignalAsync(string id, string signal, CancellationToken cancellationToken) =>
        DoAsync(
            HttpMethod.Post,
            $"containers/{Escape(id)}/kill?signal={Escape(signal)}",
            [HttpStatusCode.Conflict, HttpStatusCode.NotFound],
            cancellationToken
        );

    /// <summary>Removes it with its anonymous volumes. Without force, one that runs stays.</summary>
    internal Task RemoveAsync(string id, bool force, CancellationToken cancellationToken) =>
        DoAsync(
            HttpMethod.Delete,
            $"containers/{Escape(id)}?v=1&force={(force ? 1 : 0)}",
            [HttpStatusCode.Conflict, HttpStatusCode.NotFound],
            cancellationToken
        );

    /// <summary>Waits for its end.</summary>
    internal async Task<int> WaitAsync(string id, CancellationToken cancellationToken) =>
        (
            await ReadAsync<WaitedContainer>(HttpMethod.Post, $"containers/{Escape(id)}/wait", null, cancellationToken)
        )?.StatusCode
        ?? throw new DockerException($"{_host}: the container is gone", (int)HttpStatusCode.NotFound);

    /// <summary>The last lines of standard output and error, in order. Empty when it is gone.</summary>
    internal async Task<string> ReadLogsAsync(string id, int lines, CancellationToken cancellationToken)
    {
        var path = string.Create(
            CultureInfo.InvariantCulture,
            $"containers/{Escape(id)}/logs?stdout=1&stderr=1&tail={lines}"
        );
        using var late = new CancellationTokenSource(_timeout, _clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        if (answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            return "";
        }

        await ThrowIfErrorAsync(answer, cancellationToken);
        await using var stream = await answer.Content.ReadAsStreamAsync(stop.Token);
        return await DockerLogs.ReadAsync(stream, stop.Token);
    }

    internal async Task<bool> HasImageAsync(string image, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, $"images/{EscapePath(image)}/json", null, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await ThrowIfErrorAsync(answer, cancellationToken);
        return true;
    }

    /// <summary>Pulls an image. The messages end with the pull; an error among them is an exception.</summary>
    /// <param name="auth">Header <c>X-Registry-Auth</c>; null for a registry without a password.</param>
    internal async IAsyncEnumerable<EngineMessage> PullAsync(
        string image,
        string? auth,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var request = await RequestAsync(
            HttpMethod.Post,
            $"images/create?fromImage={Escape(image)}",
            null,
            cancellationToken
        );
        if (auth is not null)
        {
            request.Headers.Add("X-Registry-Auth", auth);
        }

        await foreach (var message in StreamAsync<EngineMessage>(request, cancellationToken))
        {
            if (message.Error is { Length: > 0 } error)
            {
                throw new DockerException(OutputLines.Clean(error), 0);
            }

            yield return message;
        }
    }

    /// <summary>What happens to containers with a label, from a moment on. Ends when the engine closes the stream.</summary>
    internal async IAsyncEnumerable<EngineEvent> EventsAsync(
        string label,
        DateTimeOffset since,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filters = JsonSerializer.Serialize(new { label = new[] { label }, type = EventTypes });
        var path = string.Create(
            CultureInfo.InvariantCulture,
            $"events?since={since.ToUnixTimeSeconds()}&filters={Uri.EscapeDataString(filters)}"
        );
        using var request = await RequestAsync(HttpMethod.Get, path, null, cancellationToken);
        await foreach (var happened in StreamAsync<EngineEvent>(request, cancellationToken))
        {
            yield return happened;
        }
    }

    private async IAsyncEnumerable<T> StreamAsync<T>(
        HttpRequestMessage request,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfErrorAsync(answer, cancellationToken);
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var messages = JsonSerializer.DeserializeAsyncEnumerable<T>(
            stream,
            topLevelValues: true,
            DockerWire.Json,
            cancellationToken
        );
        await foreach (var message in messages)
        {
            if (message is not null)
            {
                yield return message;
            }
        }
    }

    private async Task<T?> ReadAsync<T>(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellationToken
    )
        where T : class
    {
        using var answer = await SendAsync(method, path, content, cancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowIfErrorAsync(answer, cancellationToken);
        return await ParseAsync<T>(answer, cancellationToken);
    }

    private async Task DoAsync(
        HttpMethod method,
        string path,
        HttpStatusCode[] alsoFine,
        CancellationToken cancellationToken
    )
    {
        using var answer = await SendAsync(method, path, null, cancellationToken);
        if (!alsoFine.Contains(answer.StatusCode))
        {
            await ThrowIfErrorAsync(answer, cancellationToken);
        }
    }

    /// <summary>Sends a request and reads its answer, but not a stream, within the time for one call.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellationToken
    )
    {
        using var late = new CancellationTokenSource(_timeout, _clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            using var request = await RequestAsync(method, path, content, stop.Token);
            var option = path.Contains("/logs?", StringComparison.Ordinal)
                ? HttpCompletionOption.ResponseHeadersRead
                : HttpCompletionOption.ResponseContentRead;
            return await _http.SendAsync(request, option, stop.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{_host} did not answer within {_timeout}.", e);
        }
    }

    private async Task<HttpRequestMessage> RequestAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellationToken
    ) => new(method, $"v{await VersionAsync(cancellationToken)}/{path}") { Content = content };

    /// <summary>The API version that both sides know; asked once.</summary>
    private async Task<string> VersionAsync(CancellationToken cancellationToken)
    {
        if (_version is { } known)
        {
            return known;
        }

        using var answer = await _http.GetAsync(new Uri("_ping", UriKind.Relative), cancellationToken);
        await ThrowIfErrorAsync(answer, cancellationToken);
        var said = answer.Headers.TryGetValues("Api-Version", out var values) ? values.First() : "";
        _podman =
            answer.Headers.TryGetValues("Libpod-Api-Version", out var podman)
            && Version.TryParse(podman.First(), out var its)
                ? its
                : null;
        if (!Version.TryParse(said, out var offered) || offered < Oldest)
        {
            throw new DockerException($"{_host} has Engine API '{OutputLines.Clean(said)}'; {Oldest} is needed", 0);
        }

        return _version = (offered < Newest ? offered : Newest).ToString();
    }

    private async Task<T> ParseAsync<T>(HttpResponseMessage answer, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync<T>(body, DockerWire.Json, cancellationToken)
                ?? throw new DockerException($"{_host} answered with nothing", (int)answer.StatusCode);
        }
        catch (JsonException e)
        {
            throw new DockerException($"{_host} answered with no {typeof(T).Name}: {e.Message}", e);
        }
    }

    private static async Task ThrowIfErrorAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.IsSuccessStatusCode)
        {
            return;
        }

        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = new byte[4 * MaxWords];
        var read = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        throw new DockerException(WordsOf(bytes.AsSpan(0, read), answer.StatusCode), (int)answer.StatusCode);
    }

    private static string WordsOf(ReadOnlySpan<byte> body, HttpStatusCode status)
    {
        var text = Encoding.UTF8.GetString(body);
        try
        {
            text = JsonSerializer.Deserialize<EngineMessage>(text, DockerWire.Json)?.Message ?? text;
        }
        catch (JsonException)
        {
            // Not from the engine: plain text of a proxy.
        }

        var words = OutputLines.Clean(text);
        return words.Length > 0 ? words : string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)status}");
    }

    private static string Escape(string value) => Uri.EscapeDataString(value);

    /// <summary>A reference has slashes, which the engine takes as part of the path.</summary>
    private static string EscapePath(string value) =>
        Escape(value).Replace("%2F", "/", StringComparison.Ordinal).Replace("%3A", ":", StringComparison.Ordinal);
}
