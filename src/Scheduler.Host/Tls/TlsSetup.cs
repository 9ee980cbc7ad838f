using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Orleans.Configuration;

namespace Scheduler.Host.Tls;

internal static class TlsSetup
{
    public static void UseTls(this ListenOptions endpoint, TlsOptions options)
    {
        if (!options.IsSet)
        {
            return;
        }

        var own = Files(endpoint.ApplicationServices, options.CertificatePath!, options.KeyPath!);
        endpoint.UseHttps(
            new TlsHandshakeCallbackOptions
            {
                OnConnection = _ =>
                    ValueTask.FromResult(
                        new System.Net.Security.SslServerAuthenticationOptions
                        {
                            ServerCertificateContext = own.Current,
                        }
                    ),
            }
        );
    }

    /// <summary>Mutual TLS between this silo and the others, and at its gateway.</summary>
    public static void UseTls(this ISiloBuilder silo, SiloTlsOptions options)
    {
        if (!options.IsSet)
        {
            return;
        }

        silo.Services.AddSingleton(services => Mutual(services, options));
        silo.Services.AddOptions<SiloConnectionOptions>()
            .Configure<MutualTls>(
                (connections, tls) =>
                {
                    connections.ConfigureSiloOutboundConnection(tls.Call);
                    connections.ConfigureSiloInboundConnection(tls.Answer);
                    connections.ConfigureGatewayInboundConnection(tls.Answer);
                }
            );
    }

    /// <summary>Mutual TLS from a <c>doors</c> process to silos.</summary>
    public static void UseTls(this IClientBuilder client, SiloTlsOptions options)
    {
        if (!options.IsSet)
        {
            return;
        }

        client.Services.AddSingleton(services => Mutual(services, options));
        client
            .Services.AddOptions<ClientConnectionOptions>()
            .Configure<MutualTls>((connections, tls) => connections.ConfigureConnection(tls.Call));
    }

    private static MutualTls Mutual(IServiceProvider services, SiloTlsOptions options) =>
        new(Files(services, options.CertificatePath!, options.KeyPath!), PemFiles.Authority(options.CaPath!));

    private static PemFiles Files(IServiceProvider services, string certificatePath, string keyPath) =>
        new(
            certificatePath,
            keyPath,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<PemFiles>>()
        );
}
