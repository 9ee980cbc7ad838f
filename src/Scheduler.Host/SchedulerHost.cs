using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Scheduler.Api;
using Scheduler.Domain.Compatibility;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Providers;
using Scheduler.Storage;

namespace Scheduler.Host;

/// <summary>Wires the rooms; decides nothing.</summary>
internal static class SchedulerHost
{
    /// <summary>The whole process, unstarted.</summary>
    /// <exception cref="OptionsValidationException">A setting is wrong.</exception>
    public static WebApplication Build(CommandLine line)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        Settings.AddSources(builder.Configuration, line);
        var settings = Settings.Read(builder.Configuration);
        HostLogging.Add(builder, settings.Host, isQuiet: line.IsDemo);
        builder.Services.AddSingleton(settings.Host);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host =>
            host.ShutdownTimeout = settings.Host.ShutdownTimeout
        );
        AddDoors(builder, settings.Host);
        AddSilo(builder, settings);
        Telemetry.Add(builder, settings.Host.Telemetry);
        var app = builder.Build();
        app.MapApi();
        app.UseTelemetry(settings.Host.Telemetry);
        return app;
    }

    /// <summary>Where the HTTP door listens, once started.</summary>
    public static Uri HttpAddress(this WebApplication app) => AddressOf(app, 0);

    /// <summary>Where the gRPC door listens, once started.</summary>
    public static Uri GrpcAddress(this WebApplication app) => AddressOf(app, 1);

    private static void AddDoors(WebApplicationBuilder builder, HostOptions host)
    {
        var address = IPAddress.Parse(host.Address);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(address, host.HttpPort, endpoint => endpoint.Protocols = HttpProtocols.Http1);
            kestrel.Listen(address, host.GrpcPort, endpoint => endpoint.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddApi(builder.Configuration);
    }

    private static void AddSilo(WebApplicationBuilder builder, Settings settings)
    {
        var siloPort = settings.Host.SiloPort == 0 ? FreePort() : settings.Host.SiloPort;
        builder.UseOrleans(silo =>
        {
            // No gateway: the doors live in the silo's own process.
            silo.UseLocalhostClustering(siloPort, gatewayPort: 0, serviceId: "scheduler", clusterId: "embedded");
            silo.Configure<EndpointOptions>(endpoint => endpoint.GatewayPort = 0);
            silo.AddIncomingGrainCallFilter<RequestLogScope>();
            silo.AddTelemetry(settings.Host.Telemetry);
            silo.AddSchedulerStorage(settings.Storage, GrainStorageNames.Database);
        });
        builder
            .Services.AddOptions<SchedulerOptions>()
            .Bind(builder.Configuration.GetSection(SchedulerOptions.Section));
        builder.Services.AddSchedulerGrains();
        builder.Services.AddKeys();
        builder.Services.AddProviders(
            builder.Configuration,
            (gpu, vramGib, instanceType) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, instanceType)?.Name
        );
    }

    private static Uri AddressOf(WebApplication app, int endpoint) =>
        new(
            app.Services.GetRequiredService<IServer>()
                .Features.Get<IServerAddressesFeature>()!
                .Addresses.ElementAt(endpoint)
        );

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
