using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Scheduler.Host.Clustering;
using Xunit;
using HostOptions = Scheduler.Host.HostOptions;

namespace Scheduler.UnitTests.Host;

public sealed class EmbeddedSiloTests
{
    [Theory]
    [InlineData("::1")]
    [InlineData("127.0.0.1")]
    public void The_silo_listens_at_the_configured_address(string address)
    {
        var builder = new HostApplicationBuilder();
        builder.UseOrleans(silo => silo.UseEmbedded(new HostOptions { SiloAddress = address, SiloPort = 12_345 }));
        using var host = builder.Build();
        var silo = IPEndPoint.Parse(
            address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:12345" : $"{address}:12345"
        );
        var endpoint = host.Services.GetRequiredService<IOptions<EndpointOptions>>().Value;
        Assert.Equal(
            (silo.Address, silo.Port, 0),
            (endpoint.AdvertisedIPAddress, endpoint.SiloPort, endpoint.GatewayPort)
        );
        Assert.Equal(silo, endpoint.SiloListeningEndpoint);
        Assert.Equal(
            silo,
            host.Services.GetRequiredService<IOptions<DevelopmentClusterMembershipOptions>>().Value.PrimarySiloEndpoint
        );
    }
}
