using System.Net;
using System.Net.Sockets;
using Npgsql;
using Orleans.Configuration;
using Orleans.Serialization;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Host.Tls;
using Scheduler.Storage;
using Scheduler.Storage.PostgreSql;

namespace Scheduler.Host.Clustering;

/// <summary>
/// Configures the Orleans membership. Embedded: one silo that no other can join. Cluster: silos find each other in the
/// membership table of the shared database.
/// </summary>
internal static class ClusterSetup
{
    /// <summary>Part of the key of every stored state; it must never change.</summary>
    private const string ServiceId = "scheduler";

    private const string Invariant = "Npgsql";

    /// <summary>
    /// Interval and timeout of a probe. With <see cref="Misses"/>, a silo that does not answer is declared dead within
    /// 6 s. If its port refuses connections, as after a kill, it takes 2 to 3 s. A shorter interval would declare a
    /// silo dead during a long garbage collection.
    /// </summary>
    private static readonly TimeSpan Probe = TimeSpan.FromSeconds(2);

    private const int Misses = 3;

    /// <summary>
    /// Interval of "I am alive" updates. After three missed ones no process waits for the silo any more. After a crash
    /// of the whole cluster, a silo that starts on another port waits this long.
    /// </summary>
    private static readonly TimeSpan AliveReportEvery = TimeSpan.FromSeconds(5);

    /// <summary>Interval at which the membership is read even without a notification of changes.</summary>
    private static readonly TimeSpan TableRefresh = TimeSpan.FromSeconds(10);

    /// <summary>Interval at which a process without a silo reads the list of gateways.</summary>
    private static readonly TimeSpan GatewayRefresh = TimeSpan.FromSeconds(5);

    /// <summary>Dead silos are removed from the table after this time.</summary>
    private static readonly TimeSpan DefunctSilosKeptFor = TimeSpan.FromDays(1);

    /// <summary>
    /// The only silo of an embedded scheduler. It needs no gateway, because all clients are in the same process.
    /// </summary>
    public static void UseEmbedded(this ISiloBuilder silo, HostOptions host)
    {
        var address = IPAddress.Parse(host.SiloAddress);
        var silos = new IPEndPoint(address, PortOr(address, host.Moved(host.SiloPort)));
        silo.UseLocalhostClustering(silos.Port, gatewayPort: 0, silos, ServiceId, clusterId: "embedded");
        silo.Configure<EndpointOptions>(endpoint =>
        {
            endpoint.AdvertisedIPAddress = address;
            endpoint.SiloListeningEndpoint = silos;
            endpoint.GatewayPort = 0;
        });
    }

    public static void UseCluster(this ISiloBuilder silo, HostOptions host, string clusterId)
    {
        var address = IPAddress.Parse(host.SiloAddress);
        var siloPort = PortOr(address, host.Moved(host.SiloPort));
        var gatewayPort = PortOr(address, host.Moved(host.GatewayPort));
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
        silo.Services.AddSingleton<ILocalSiloDetails, SteadySiloDetails>();
        silo.UseAdoNetClustering(options =>
            options.Configure<PostgreSqlStore>(
                (clustering, store) => (clustering.Invariant, clustering.DataSource) = (Invariant, store.Pool)
            )
        );
        silo.UseTls(host.Tls.Silo);
    }

    /// <summary>A process without a silo: a client that finds the silos in the same table.</summary>
    public static void UseClusterClient(this WebApplicationBuilder builder, Settings settings)
    {
        var (host, clusterId) = (settings.Host, settings.Scheduler.ClusterId);

        // The client uses the database only to find the gateways.
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
        builder.Services.AddInterfaceTypes();
        builder.Services.Configure<ExceptionSerializationOptions>(exceptions =>
        {
            exceptions.SupportedNamespacePrefixes.Add(typeof(StorageException).Namespace!);
            exceptions.SupportedNamespacePrefixes.Add(typeof(UnreadableStateException).Namespace!);
        });
    }

    private static int PortOr(IPAddress address, int port)
    {
        if (port != 0)
        {
            return port;
        }

        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
