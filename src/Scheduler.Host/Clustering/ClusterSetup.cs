using System.Net;
using System.Net.Sockets;
using Npgsql;
using Orleans.Configuration;
using Orleans.Serialization;
using Scheduler.Domain.Storage;
using Scheduler.Host.Tls;
using Scheduler.Storage;
using Scheduler.Storage.PostgreSql;

namespace Scheduler.Host.Clustering;

/// <summary>
/// How silos find each other: embedded, one silo that nobody else may join; in a cluster, by the membership table in the database that
/// they share.
/// </summary>
internal static class ClusterSetup
{
    /// <summary>Part of the key of every stored state: never changes.</summary>
    private const string ServiceId = "scheduler";

    private const string Invariant = "Npgsql";

    /// <summary>
    /// A silo that does not answer is asked so often, so long: with <see cref="Misses"/> it is dead to the others within 6 s, and within
    /// 2 to 3 s when its port refuses connections, as after a kill. Shorter, and a long garbage collection would be a death.
    /// </summary>
    private static readonly TimeSpan Probe = TimeSpan.FromSeconds(2);

    private const int Misses = 3;

    /// <summary>
    /// After three of these without a sign of life nobody waits for a silo any more: what a start on another port waits for after a crash
    /// of the whole cluster.
    /// </summary>
    private static readonly TimeSpan AliveReportEvery = TimeSpan.FromSeconds(5);

    /// <summary>The membership is read anew so often even when no silo tells of changes.</summary>
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(10);

    /// <summary>How soon doors without a silo know of new gateways.</summary>
    private static readonly TimeSpan GatewayRefresh = TimeSpan.FromSeconds(5);

    /// <summary>Silos that died longer ago are struck from the table.</summary>
    private static readonly TimeSpan DefunctSilosKeptFor = TimeSpan.FromDays(1);

    /// <summary>The one silo of an embedded scheduler: no gateway, since its doors live in its own process.</summary>
    public static void UseEmbedded(this ISiloBuilder silo, HostOptions host)
    {
        var port = PortOr(host.Moved(host.SiloPort));
        silo.UseLocalhostClustering(port, gatewayPort: 0, serviceId: ServiceId, clusterId: "embedded");
        silo.Configure<EndpointOptions>(endpoint => endpoint.GatewayPort = 0);
    }

    /// <summary>One of the silos of a cluster.</summary>
    public static void UseCluster(this ISiloBuilder silo, HostOptions host, string clusterId)
    {
        var address = IPAddress.Parse(host.SiloAddress);
        var siloPort = PortOr(host.Moved(host.SiloPort));
        var gatewayPort = PortOr(host.Moved(host.GatewayPort));
        silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (ServiceId, clusterId));
        silo.Configure<EndpointOptions>(endpoint =>
        {
            endpoint.AdvertisedIPAddress = address;
            endpoint.SiloPort = siloPort;
            endpoint.GatewayPort = gatewayPort;
            endpoint.SiloListeningEndpoint = new IPEndPoint(address, siloPort);
            endpoint.GatewayListeningEndpoint = new IPEndPoint(address, gatewayPort);
        });
        silo.Configure<ClusterMembershipOptions>(membership =>
        {
            membership.ProbeTimeout = Probe;
            membership.MaxProbeTimeout = Probe * 2;
            membership.NumMissedProbesLimit = Misses;
            membership.IAmAliveTablePublishTimeout = AliveReportEvery;
            membership.TableRefreshTimeout = TableRefresh;
            membership.DefunctSiloExpiration = DefunctSilosKeptFor;
        });
        silo.UseAdoNetClustering(options =>
            options.Configure<PostgreSqlStore>(
                (clustering, store) => (clustering.Invariant, clustering.DataSource) = (Invariant, store.Pool)
            )
        );
        silo.UseTls(host.Tls.Silo);
    }

    /// <summary>Doors alone: a client of the silos, who are found in the same table.</summary>
    public static void UseClusterClient(this WebApplicationBuilder builder, Settings settings)
    {
        var (host, clusterId) = (settings.Host, settings.Scheduler.ClusterId);

        // Of the database it knows the gateways and nothing else.
        builder.Services.AddSingleton(_ => NpgsqlDataSource.Create(settings.Storage.PostgreSql.Resolved()));
        builder.UseOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(cluster =>
                (cluster.ServiceId, cluster.ClusterId) = (ServiceId, clusterId)
            );
            client.Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = GatewayRefresh);
            client.UseConnectionRetryFilter<WaitForSilos>();
            client.UseAdoNetClustering(options =>
                options.Configure<NpgsqlDataSource>(
                    (clustering, source) => (clustering.Invariant, clustering.DataSource) = (Invariant, source)
                )
            );
            client.UseTls(host.Tls.Silo);
            if (settings.HasOrleansDashboard)
            {
                client.AddGrainDashboard();
            }

            if (host.Telemetry.OtlpEndpoint is not null)
            {
                client.AddActivityPropagation();
            }
        });
        builder.Services.Configure<ExceptionSerializationOptions>(exceptions =>
        {
            exceptions.SupportedNamespacePrefixes.Add(typeof(StorageException).Namespace!);
            exceptions.SupportedNamespacePrefixes.Add(typeof(UnreadableStateException).Namespace!);
        });
    }

    private static int PortOr(int port)
    {
        if (port != 0)
        {
            return port;
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
