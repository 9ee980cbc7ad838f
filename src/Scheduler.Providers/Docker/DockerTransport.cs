using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Providers.Docker;

/// <summary>
/// Connects to an engine: by a Unix socket, by TCP with or without TLS, or by <c>ssh</c>. HTTP is the same over all of them.
/// </summary>
internal static class DockerTransport
{
    /// <summary>Over ssh each connection is a process and a login, and sshd refuses more than ten logins at once.</summary>
    private const int MaxSshConnections = 8;

    private const int MaxConnections = 64;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);

    internal static HttpMessageHandler Handler(DockerHostOptions host) =>
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = IdleTimeout,
            MaxConnectionsPerServer = host.EndpointUri.Scheme == "ssh" ? MaxSshConnections : MaxConnections,
            ConnectCallback = async (_, cancellationToken) =>
                host.EndpointUri.Scheme switch
                {
                    "unix" => await UnixAsync(host.EndpointUri.AbsolutePath, cancellationToken),
                    "ssh" => SshStream.Open(host),
                    _ => await TcpAsync(host, cancellationToken),
                },
        };

    private static async ValueTask<Stream> UnixAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async ValueTask<Stream> TcpAsync(DockerHostOptions host, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(host.EndpointUri.Host, host.EndpointUri.Port, cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            return host.TlsDirectory is { } directory
                ? await TlsAsync(stream, host.EndpointUri.Host, directory, cancellationToken)
                : stream;
        }
        catch
        {
            if (stream is not null)
            {
                await stream.DisposeAsync();
            }

            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> TlsAsync(
        Stream inner,
        string name,
        string directory,
        CancellationToken cancellationToken
    )
    {
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(directory, "ca.pem"));
        using var own = X509Certificate2.CreateFromPemFile(
            Path.Combine(directory, "cert.pem"),
            Path.Combine(directory, "key.pem")
        );
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // The authority is the operator's own, and publishes no list of revoked certificates.
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(authority);
        var stream = new SslStream(inner);
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = name,
                ClientCertificates = [own],
                CertificateChainPolicy = policy,
            },
            cancellationToken
        );
        return stream;
    }
}
