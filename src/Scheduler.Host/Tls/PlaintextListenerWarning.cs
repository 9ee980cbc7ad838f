using System.Net;

namespace Scheduler.Host.Tls;

/// <summary>Says it loudly when something listens beyond this host without TLS: keys and balances pass there for anyone to read.</summary>
internal sealed partial class PlaintextListenerWarning(Settings settings, ILogger<PlaintextListenerWarning> logger) : IHostedService
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
        "THE DOORS LISTEN ON {Address} WITHOUT TLS: keys can be read on their way. Set Host:Tls:CertificatePath and Host:Tls:KeyPath, or let only a proxy with TLS reach them"
    )]
    private partial void LogPlaintextListener(string address);

    [LoggerMessage(
        4205,
        LogLevel.Warning,
        "THE SILO LISTENS ON {Address} WITHOUT TLS: whoever reaches it can do anything. Set Host:Tls:Silo, or let only silos and doors reach it"
    )]
    private partial void LogPlaintextSilo(string address);
}
