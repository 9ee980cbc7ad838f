using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using OrleansTlsOptions = Orleans.Connections.Security.TlsOptions;

namespace Scheduler.Host.Tls;

/// <summary>
/// Adds TLS to the connections of the silos. Both sides present a certificate of the cluster's authority. Names are not
/// compared, because silos are known by address.
/// </summary>
internal sealed class MutualTls(PemFiles own, X509Certificate2Collection authority)
{
    /// <summary>Adds TLS to incoming connections.</summary>
    public void Answer(IConnectionBuilder connections) => connections.UseServerTls(Options());

    /// <summary>Adds TLS to outgoing connections.</summary>
    public void Call(IConnectionBuilder connections) => connections.UseClientTls(Options());

    private OrleansTlsOptions Options() =>
        new()
        {
            // Each handshake reads the current certificate, so that a renewed one is used without a restart.
            LocalServerCertificateSelector = (_, _) => own.Current.TargetCertificate,
            OnAuthenticateAsServer = (_, options) =>
            {
                // The context has the intermediate certificates too, which a selected certificate has not.
                var tls = (SslServerAuthenticationOptions)options.SslServerAuthenticationOptions;
                tls.ServerCertificateSelectionCallback = null;
                tls.ServerCertificateContext = own.Current;
            },
            OnAuthenticateAsClient = (_, options) =>
            {
                var tls = (SslClientAuthenticationOptions)options.SslClientAuthenticationOptions;
                tls.TargetHost = "silo";
                tls.ClientCertificateContext = own.Current;
            },
            RemoteCertificateValidation = IsClusterCertificate,
        };

    private bool IsClusterCertificate(X509Certificate2 shown, X509Chain? sent, SslPolicyErrors errors)
    {
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

        return chain.Build(shown);
    }
}
