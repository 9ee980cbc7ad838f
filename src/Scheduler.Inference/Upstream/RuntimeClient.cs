using System.Net;
using System.Net.Http.Headers;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>The connections from this process to all runtimes.</summary>
internal sealed class RuntimeClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    public RuntimeClient()
        : this(
            new SocketsHttpHandler
            {
                UseProxy = false,
                UseCookies = false,
                AllowAutoRedirect = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = ConnectTimeout,
                PooledConnectionLifetime = ConnectionLifetime,
                ActivityHeadersPropagator = null,
            }
        ) { }

    /// <param name="connections">Disposed with this client.</param>
    public RuntimeClient(HttpMessageHandler connections)
    {
        Plain = new HttpMessageInvoker(connections, disposeHandler: true);
    }

    public HttpMessageInvoker Plain { get; }

    /// <summary>
    /// A request to an instance's runtime, with the runtime's key and nothing of any caller. Every request to a runtime begins here.
    /// </summary>
    /// <param name="path">Must begin with a slash.</param>
    public static HttpRequestMessage Request(HttpMethod method, ServedInstance instance, string path)
    {
        var request = new HttpRequestMessage(method, Address(instance.Endpoint!, path));
        if (instance.RuntimeKey is { } key)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key.Value);
        }

        return request;
    }

    /// <summary>Appends a path to a runtime's base address.</summary>
    /// <param name="endpoint">The base, with or without a trailing slash.</param>
    /// <param name="path">Must begin with a slash.</param>
    public static Uri Address(Uri endpoint, string path) => new(endpoint.AbsoluteUri.TrimEnd('/') + path);

    public void Dispose() => Plain.Dispose();
}
