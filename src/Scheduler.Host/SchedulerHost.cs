using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Scheduler.Api;
using Scheduler.Api.Health;
using Scheduler.Dashboard;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Storage;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Host.Clustering;
using Scheduler.Host.Tls;
using Scheduler.Inference;
using Scheduler.ModelFit;
using Scheduler.Providers;
using Scheduler.Storage;
using Scheduler.Storage.Secrets;

namespace Scheduler.Host;

/// <summary>Wires the projects into one process; contains no business logic.</summary>
internal static class SchedulerHost
{
    /// <exception cref="OptionsValidationException">A setting is invalid.</exception>
    public static WebApplication Build(CommandLine line)
    {
        var builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        Settings.AddSources(builder.Configuration, line);
        var settings = Settings.Read(builder.Configuration, line);
        HostLogging.Add(builder, settings.Host, isQuiet: line.IsDemo);
        builder.Services.AddSingleton(settings.Host);
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host =>
            host.ShutdownTimeout = settings.Host.ShutdownTimeout
        );
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<OperatorKey>();
        if (settings.Host.Role == HostRole.Doors)
        {
            builder.Services.AddSingleton<TimeProvider>(SteadyClock.Start(TimeProvider.System));
            AddClient(builder, settings);
        }
        else
        {
            builder.Services.AddSingleton<TimeProvider>(services =>
                SteadyClock.Continue(TimeProvider.System, services.GetRequiredService<IStoredClock>())
            );
            AddSilo(builder, settings);
        }

        // After the silo, so that it stops before: its last reports need the grains.
        AddEndpoints(builder, settings);
        Telemetry.Add(builder, settings.Host.Telemetry);
        builder.Services.AddHostedService<GracefulStop>();
        var app = builder.Build();
        if (settings.Host.Role == HostRole.Silo)
        {
            app.MapHealth();
        }
        else
        {
            app.MapApi();
            app.MapInference();
            if (settings.HasDashboard)
            {
                app.MapDashboard();
                if (settings.HasOrleansDashboard)
                {
                    app.MapGrainDashboard();
                }
            }
        }

        app.UseTelemetry(settings.Host.Telemetry);
        return app;
    }

    /// <summary>Address of the HTTP port; only after the start.</summary>
    public static Uri HttpAddress(this WebApplication app) => Addresses(app)[0];

    /// <summary>Address of the gRPC port, only after the start; null for the role <c>silo</c>.</summary>
    public static Uri? GrpcAddress(this WebApplication app) => Addresses(app).ElementAtOrDefault(1);

    private static void AddEndpoints(WebApplicationBuilder builder, Settings settings)
    {
        var host = settings.Host;
        var address = IPAddress.Parse(host.Address);
        builder.Services.AddConnectionLimits();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.UseConnectionSettings();
            kestrel.Listen(
                address,
                host.Moved(host.HttpPort),
                endpoint =>
                {
                    endpoint.Protocols = HttpProtocols.Http1;
                    endpoint.LimitConnections();
                    endpoint.UseTls(host.Tls);
                }
            );
            if (host.Role != HostRole.Silo)
            {
                kestrel.Listen(
                    address,
                    host.Moved(host.GrpcPort),
                    endpoint =>
                    {
                        endpoint.Protocols = HttpProtocols.Http2;
                        endpoint.LimitConnections();
                        endpoint.UseTls(host.Tls);
                    }
                );
            }
        });
        builder.Services.AddHostedService<PlaintextListenerWarning>();
        if (host.Role == HostRole.Silo)
        {
            builder.Services.AddHealth();
        }
        else
        {
            builder.Services.AddApi(builder.Configuration);
            builder.Services.AddInference(builder.Configuration);
            if (settings.HasDashboard)
            {
                builder.WebHost.UseDashboardAssets();
                builder.Services.AddDashboard(
                    builder.Configuration,
                    Path.Combine(settings.OwnFolder, "dashboard-keys")
                );
            }
        }
    }

    private static void AddSilo(WebApplicationBuilder builder, Settings settings)
    {
        builder.UseOrleans(silo =>
        {
            if (settings.IsCluster)
            {
                silo.UseCluster(settings.Host, settings.Scheduler.ClusterId);
            }
            else
            {
                silo.UseEmbedded(settings.Host);
            }

            silo.Services.AddSingleton<IFatalErrorHandler>(services => new SiloEnd(
                services.GetRequiredService<ILoggerFactory>(),
                Environment.Exit
            ));
            if (settings.HasOrleansDashboard)
            {
                silo.AddGrainDashboard();
            }

            silo.AddTelemetry(settings.Host.Telemetry);
            silo.AddSchedulerStorage(settings.Storage, GrainStorageNames.Database);
            // Opened now, so that a key file that cannot be read stops the start.
            silo.Services.AddSingleton(SecretVaults.Open(settings.Secrets, settings.Storage));
        });
        builder
            .Services.AddOptions<SchedulerOptions>()
            .Bind(builder.Configuration.GetSection(SchedulerOptions.Section));
        builder.Services.AddOptions<RuntimeOptions>().Bind(builder.Configuration.GetSection(RuntimeOptions.Section));
        builder.Services.AddSchedulerGrains();
        builder.Services.AddKeys();
        builder.Services.AddProviders(
            builder.Configuration,
            (gpu, vramGib, instanceType) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, instanceType)?.Name
        );
        builder.Services.AddSingleton<IReadiness, SiloReadiness>();
    }

    private static void AddClient(WebApplicationBuilder builder, Settings settings)
    {
        builder.UseClusterClient(settings);
        builder.Services.AddSingleton<IReadiness, ApiReadiness>();
    }

    private static Uri[] Addresses(WebApplication app) =>
        [
            .. app
                .Services.GetRequiredService<IServer>()
                .Features.Get<IServerAddressesFeature>()!
                .Addresses.Select(address => new Uri(address)),
        ];
}
