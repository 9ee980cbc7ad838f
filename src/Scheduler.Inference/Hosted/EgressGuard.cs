using System.Net;
using System.Net.Sockets;

namespace Scheduler.Inference.Hosted;

/// <summary>
/// Connects to endpoints that users name, and to nothing inside the operator's network. Each connection resolves the name once, checks every
/// address, and uses only a checked one: a name that resolves differently a moment later changes nothing.
/// </summary>
/// <param name="allowed">Networks that the configuration permits although they are not public.</param>
/// <param name="resolve">Addresses of a host name.</param>
/// <param name="connect">Opens a connection to one address.</param>
internal sealed class EgressGuard(
    IReadOnlyCollection<IPNetwork> allowed,
    Func<string, CancellationToken, Task<IPAddress[]>> resolve,
    Func<IPEndPoint, CancellationToken, ValueTask<Stream>> connect
)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(10);

    public EgressGuard(IReadOnlyCollection<IPNetwork> allowed)
        : this(allowed, Dns.GetHostAddressesAsync, OpenAsync) { }

    /// <summary>A handler that follows no redirect, uses no proxy and connects through this guard.</summary>
    public SocketsHttpHandler NewHandler() =>
        new()
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            ActivityHeadersPropagator = null,
            ConnectCallback = async (context, cancellationToken) =>
                await ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken),
        };

    /// <exception cref="EgressRefusedException">An address of the host is not public.</exception>
    /// <exception cref="SocketException">The name does not resolve, or no address accepts the connection.</exception>
    internal async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = IPAddress.TryParse(host, out var literal)
            ? [literal]
            : await resolve(host, cancellationToken);
        foreach (var address in addresses)
        {
            // One that is refused makes the name suspicious, so the others are not used either.
            if (EgressRanges.WhyRefused(address, allowed) is { } what)
            {
                throw new EgressRefusedException(host, address, what);
            }
        }

        var last = new SocketException((int)SocketError.HostNotFound);
        foreach (var address in addresses)
        {
            try
            {
                return await connect(new IPEndPoint(address, port), cancellationToken);
            }
            catch (SocketException failed)
            {
                last = failed;
            }
        }

        throw last;
    }

    private static async ValueTask<Stream> OpenAsync(IPEndPoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A request to an address that is not public was not sent.</summary>
internal sealed class EgressRefusedException(string host, IPAddress address, string what)
    : IOException($"{host} leads to {address}, which is {what}; no request goes there.");
