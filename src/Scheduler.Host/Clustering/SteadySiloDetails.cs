using System.Net;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Scheduler.Host.Clustering;

/// <summary>
/// Name and address of this silo. Orleans orders the starts of silos at one address by their generations, and a silo that finds a later one
/// than its own ends. Its own generations follow the machine's wall clock, so after that clock was set back no start would succeed. These
/// follow the scheduler's time; see <c>src/decisions/0017-time.md</c>.
/// </summary>
internal sealed class SteadySiloDetails(
    IOptions<SiloOptions> silo,
    IOptions<ClusterOptions> cluster,
    IOptions<EndpointOptions> endpoints,
    TimeProvider clock
) : ILocalSiloDetails
{
    /// <summary>The beginning of Orleans' generations, so that builds with and without this class agree.</summary>
    private static readonly DateTimeOffset Epoch = new(2022, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public string Name { get; } = silo.Value.SiloName;

    public string ClusterId { get; } = cluster.Value.ClusterId;

    public string DnsHostName { get; } = Dns.GetHostName();

    public SiloAddress SiloAddress { get; } =
        SiloAddress.New(
            new IPEndPoint(endpoints.Value.AdvertisedIPAddress, endpoints.Value.SiloPort),
            checked((int)(clock.GetUtcNow() - Epoch).TotalSeconds)
        );

    /// <summary>Null without a gateway.</summary>
    public SiloAddress GatewayAddress { get; } =
        endpoints.Value.GatewayPort == 0
            ? null!
            : SiloAddress.New(new IPEndPoint(endpoints.Value.AdvertisedIPAddress, endpoints.Value.GatewayPort), 0);
}
