using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;

namespace Scheduler.Host.Tls;

/// <summary>
/// Adds TLS to the connections of the silos. Both sides present a certificate of the cluster's authority. Names are not
/// compared, because silos are known by address.
/// </summary>
internal sealed partial class MutualTls(PemFiles own, X509Certificate2Collection authority, ILogger logger)
{
    private static readonly TimeSpan Handshake = TimeSpan.FromSeconds(10);

    /// <summary>Adds TLS to incoming connections.</summary>
    public void Answer(IConnectionBuilder connections) =>
        connections.Use(next =>
            context =>
                RunAsync(
                    context,
                    next,
                    (tls, ct) =>
                        tls.AuthenticateAsServerAsync(
                            new SslServerAuthenticationOptions
                            {
                                ServerCertificateContext = own.Current,
                                ClientCertificateRequired = true,
                                RemoteCertificateValidationCallback = IsClusterCertificate,
                            },
                            ct
                        )
                )
        );

    /// <summary>Adds TLS to outgoing connections.</summary>
    public void Call(IConnectionBuilder connections) =>
        connections.Use(next =>
            context =>
                RunAsync(
                    context,
                    next,
                    (tls, ct) =>
                        tls.AuthenticateAsClientAsync(
                            new SslClientAuthenticationOptions
                            {
                                TargetHost = "silo",
                                ClientCertificateContext = own.Current,
                                RemoteCertificateValidationCallback = IsClusterCertificate,
                            },
                            ct
                        )
                )
        );

    private async Task RunAsync(
        ConnectionContext context,
        ConnectionDelegate next,
        Func<SslStream, CancellationToken, Task> handshake
    )
    {
        var plain = context.Transport;
        await using var tls = new SslStream(new DuplexStream(plain), leaveInnerStreamOpen: false);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed);
            limit.CancelAfter(Handshake);
            await handshake(tls, limit.Token);
        }
        catch (Exception exception)
            when (exception is AuthenticationException or IOException or OperationCanceledException)
        {
            LogTurnedAway(context.RemoteEndPoint, exception.Message);
            context.Abort(new ConnectionAbortedException("The TLS handshake failed.", exception));
            throw;
        }

        context.Transport = new TlsPipe(tls);
        try
        {
            await next(context);
        }
        finally
        {
            await context.Transport.Input.CompleteAsync();
            await context.Transport.Output.CompleteAsync();
            context.Transport = plain;
        }
    }

    private bool IsClusterCertificate(object sender, X509Certificate? shown, X509Chain? sent, SslPolicyErrors errors)
    {
        if (shown is null)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authority);
        // There is no revocation list: the authority serves this cluster only, and a removed process gets no new
        // certificate.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainElements.Select(element => element.Certificate).ToArray());
        }

        using var certificate = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        return chain.Build(certificate);
    }

    [LoggerMessage(4203, LogLevel.Warning, "TLS handshake with {Remote} failed; the connection is closed: {Why}")]
    private partial void LogTurnedAway(System.Net.EndPoint? remote, string why);

    private sealed class TlsPipe(Stream tls) : IDuplexPipe
    {
        public PipeReader Input { get; } = PipeReader.Create(tls, new StreamPipeReaderOptions(leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(tls, new StreamPipeWriterOptions(leaveOpen: true));
    }
}
