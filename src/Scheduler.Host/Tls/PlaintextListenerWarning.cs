using System.Net;

namespace Scheduler.Host.Tls;

/// <summary>
/// Logs a warning if a port beyond loopback has no TLS: others on the network could read keys and balances.
/// </summary>
internal sealed partial class PlaintextListenerWarning(Settings settings, ILogger<PlaintextListenerWarning> logger)
    : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var host = settings.Host;
        if (!host.Tls.IsSet && !IPAddress.IsLoopback(IPAddress.Parse(host.Address)))
        {
            LogPlaintextListener(host.Address);
        }

        if (
            settings.IsCluster
            && host.Role != HostRole.Doors
            && !host.Tls.Silo.IsSet
            && !IPAddress.IsLoopback(IPAddress.Parse(host.SiloAddress))
        )
        {
            LogPlaintextSilo(host.SiloAddress);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(
        4204,
        LogLevel.Warning,
        "This process listens on {Address} without TLS: keys can be read in transit. Set Host:Tls:CertificatePath and Host:Tls:KeyPath, or let only a proxy with TLS reach it"
    )]
    private partial void LogPlaintextListener(string address);

    [LoggerMessage(
        4205,
        LogLevel.Warning,
        "The silo listens on {Address} without TLS: every program that reaches it has full control. Set Host:Tls:Silo, or let only processes of the cluster reach it"
    )]
    private partial void LogPlaintextSilo(string address);
}
