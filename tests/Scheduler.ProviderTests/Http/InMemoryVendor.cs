using System.Net;
using System.Text;
using Scheduler.VendorServers;

namespace Scheduler.ProviderTests.Http;

/// <summary>Leads the HTTP calls of an adapter to a vendor's cloud in this process, without a socket, and records them.</summary>
internal sealed class InMemoryVendor(IVendorCloud cloud) : HttpMessageHandler, IHttpClientFactory
{
    private readonly List<string> _calls = [];
    private int _running;

    /// <summary>Whether no call is on its way.</summary>
    internal bool IsQuiet => Volatile.Read(ref _running) == 0;

    /// <summary>The exchange of the next matching call is cut; see <see cref="CutAt"/>.</summary>
    internal Func<HttpRequestMessage, bool>? CutWhen { get; set; }

    /// <summary>Bytes of request and answer together after which the connection breaks.</summary>
    internal int CutAt { get; set; }

    /// <summary>Whether only the first matching exchange is cut.</summary>
    internal bool CutsOnce { get; init; }

    /// <summary>Whether the last matching exchange was cut.</summary>
    internal bool WasCut { get; private set; }

    /// <summary>Bytes of the request in it.</summary>
    internal int RequestBytes { get; private set; }

    /// <summary>Bytes of the last whole exchange that matched <see cref="CutWhen"/>.</summary>
    internal int ExchangeBytes { get; private set; }

    /// <summary>Method, path and body of every call, in order.</summary>
    internal IReadOnlyList<string> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls];
            }
        }
    }

    public HttpClient CreateClient(string name) =>
        new(this, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var head = $"{request.Method} {request.RequestUri!.PathAndQuery} HTTP/1.1\r\n{request.Headers}\r\n";
        var isCut = CutWhen?.Invoke(request) == true && !(CutsOnce && WasCut);
        var requestBytes = Encoding.UTF8.GetByteCount(head + body);
        WasCut = isCut ? false : WasCut;
        if (isCut && CutAt < requestBytes)
        {
            WasCut = true;
            // A server does not act on a part of a request.
            throw new HttpRequestException(HttpRequestError.Unknown, "the connection broke in the request");
        }

        lock (_calls)
        {
            _calls.Add($"{request.Method} {request.RequestUri.PathAndQuery} {body}".TrimEnd());
        }

        var headers = request.Headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value));
        Interlocked.Increment(ref _running);
        var answering = cloud.AnswerAsync(
            VendorRequest.Of(request.Method.Method, request.RequestUri, headers, body),
            cancellationToken
        );
        // A call that hangs must not stop the time, or it would never time out.
        Interlocked.Decrement(ref _running);
        var reply = await answering;
        var response = Respond(reply);
        var responseHead = Encoding.UTF8.GetByteCount($"HTTP/1.1 {reply.Status}\r\n{response.Headers}\r\n");
        var bytes = Encoding.UTF8.GetBytes(reply.Body);
        if (isCut)
        {
            RequestBytes = requestBytes;
            ExchangeBytes = requestBytes + responseHead + bytes.Length;
            WasCut = CutAt < ExchangeBytes;
            if (CutAt < requestBytes + responseHead)
            {
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "the connection broke in the answer");
            }

            var left = CutAt - requestBytes - responseHead;
            if (left < bytes.Length)
            {
                response.Content = new StreamContent(new BrokenStream(bytes[..left]));
            }
        }

        return response;
    }

    private static HttpResponseMessage Respond(VendorReply reply)
    {
        var bytes = Encoding.UTF8.GetBytes(reply.Body);
        var response = new HttpResponseMessage((HttpStatusCode)reply.Status)
        {
            Content = reply.StaysOpen ? new StreamContent(new OpenStream(bytes)) : new ByteArrayContent(bytes),
        };
        response.Content.Headers.TryAddWithoutValidation("Content-Type", reply.ContentType);
        foreach (var (name, value) in reply.Headers)
        {
            response.Headers.TryAddWithoutValidation(name, value);
        }

        return response;
    }

    /// <summary>Breaks after its bytes.</summary>
    private sealed class BrokenStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 || buffer.Length == 0 ? read : throw new IOException("the connection broke in the body");
        }
    }

    /// <summary>Stays open after its bytes.</summary>
    private sealed class OpenStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            if (read == 0)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            return read;
        }
    }
}
