using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Scheduler.Edge;
using Yarp.ReverseProxy.Forwarder;

namespace Scheduler.Inference.Upstream;

/// <summary>Sends a request to one runtime and its answer to the client, through YARP's forwarder.</summary>
internal sealed class UpstreamForwarder(IHttpForwarder yarp, RuntimeClient runtimes, IOptions<InferenceOptions> options)
{
    /// <summary>
    /// The watched stream's own timeout must fire first, because it sends the client the cause; YARP's aborts the
    /// connection.
    /// </summary>
    private readonly ForwarderRequestConfig _config = new()
    {
        ActivityTimeout = options.Value.UpstreamTimeout + TimeSpan.FromSeconds(5),
        Version = System.Net.HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>May be called again with another call as long as nothing was sent to the client.</summary>
    public async Task<UpstreamOutcome> SendAsync(HttpContext http, UpstreamCall call)
    {
        var error = await yarp.SendAsync(
            http,
            call.Instance.Endpoint!.AbsoluteUri.TrimEnd('/'),
            runtimes.Watched,
            _config,
            new Transformer(call),
            call.Aborted
        );
        return Outcome(http, call, error);
    }

    private static UpstreamOutcome Outcome(HttpContext http, UpstreamCall call, ForwarderError error)
    {
        if (call.Aborted.IsCancellationRequested)
        {
            return UpstreamOutcome.ClientGone;
        }

        if (http.Response.HasStarted)
        {
            return UpstreamOutcome.Sent;
        }

        if (error == ForwarderError.None)
        {
            return call.Refusal is null ? UpstreamOutcome.Sent : UpstreamOutcome.Refused;
        }

        return error == ForwarderError.RequestTimedOut ? UpstreamOutcome.TimedOut : UpstreamOutcome.Unreachable;
    }

    /// <summary>Passes neither the client's key to the runtime nor the runtime's headers to the client.</summary>
    private sealed class Transformer(UpstreamCall call) : HttpTransformer
    {
        /// <summary>Most bytes read of an error answer.</summary>
        private const int LongestRefusal = 64 * 1024;

        public override ValueTask TransformRequestAsync(
            HttpContext httpContext,
            HttpRequestMessage proxyRequest,
            string destinationPrefix,
            CancellationToken cancellationToken
        )
        {
            proxyRequest.RequestUri = RuntimeClient.Address(call.Instance.Endpoint!, httpContext.Request.Path);
            proxyRequest.Headers.Host = null;
            proxyRequest.Headers.TryAddWithoutValidation(RequestScope.IdHeader, call.Scope.Id.Value);
            proxyRequest.Options.Set(UpstreamCall.Key, call);
            return ValueTask.CompletedTask;
        }

        public override async ValueTask<bool> TransformResponseAsync(
            HttpContext httpContext,
            HttpResponseMessage? proxyResponse,
            CancellationToken cancellationToken
        )
        {
            if (proxyResponse is null)
            {
                return false;
            }

            if (!proxyResponse.IsSuccessStatusCode)
            {
                call.Refusal = new UpstreamRefusal(
                    (int)proxyResponse.StatusCode,
                    await ReadSomeAsync(proxyResponse.Content, cancellationToken)
                );
                return false;
            }

            call.Answered();
            var response = httpContext.Response;
            response.ContentType = proxyResponse.Content.Headers.ContentType?.ToString() ?? "application/json";
            response.ContentLength = proxyResponse.Content.Headers.ContentLength;
            if (call.Request.IsStream)
            {
                // Keeps proxies on the way from buffering the stream.
                response.Headers.CacheControl = "no-cache";
                response.Headers["X-Accel-Buffering"] = "no";
            }

            return true;
        }

        private static async Task<ReadOnlyMemory<byte>> ReadSomeAsync(
            HttpContent content,
            CancellationToken cancellationToken
        )
        {
            var stream = await content.ReadAsStreamAsync(cancellationToken);
            var buffer = new byte[LongestRefusal];
            var read = await stream.ReadAtLeastAsync(
                buffer,
                buffer.Length,
                throwOnEndOfStream: false,
                cancellationToken
            );
            return buffer.AsMemory(0, read);
        }
    }
}
