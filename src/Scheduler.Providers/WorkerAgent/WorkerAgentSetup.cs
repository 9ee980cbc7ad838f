using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Process;
using Scheduler.Providers.Worker;

namespace Scheduler.Providers.WorkerAgent;

/// <summary>Makes a process a worker: joins, listens with mutual TLS, and runs the presets of this host.</summary>
public static class WorkerAgentSetup
{
    /// <summary>Joins the cluster unless this host has joined, and registers the worker.</summary>
    /// <returns>Address of the worker's API.</returns>
    /// <exception cref="WorkerJoinException">The host cannot join.</exception>
    public static async Task<Uri> AddWorkerAsync(
        this WebApplicationBuilder builder,
        WorkerAgentOptions options,
        GpuNameResolver resolver,
        string version,
        CancellationToken cancellationToken
    )
    {
        var identity = new WorkerIdentity(options.StateDirectory);
        await WorkerJoin.EnsureAsync(identity, options, cancellationToken);
        var facts = identity.Facts!;
        builder.Services.AddSingleton(identity);
        builder.Services.AddHttpClient(RuntimeProbe.ClientName);
        builder.Services.AddOptions<RuntimeOptions>();
        builder.Services.AddSingleton(services =>
            NewProvider(services, ProcessesOf(builder.Configuration, options, facts), resolver)
        );
        builder.Services.AddSingleton(services => new WorkerApi(
            services.GetRequiredService<ProcessProvider>(),
            identity,
            version,
            services.GetRequiredService<TimeProvider>()
        ));
        builder.WebHost.ConfigureKestrel(
            (_, kestrel) =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = WorkerWire.LongestBody;
                kestrel.Listen(
                    IPAddress.Parse(facts.Address),
                    facts.Port,
                    endpoint => UseMutualTls(endpoint, identity)
                );
            }
        );
        return facts.Uri;
    }

    public static void MapWorker(this WebApplication app) => app.Services.GetRequiredService<WorkerApi>().Map(app);

    internal static void UseMutualTls(ListenOptions endpoint, WorkerIdentity identity)
    {
        var clock = endpoint.ApplicationServices.GetRequiredService<TimeProvider>();
        endpoint.Protocols = HttpProtocols.Http1;
        endpoint.UseHttps(
            new HttpsConnectionAdapterOptions
            {
                // Read at each connection, so that a renewed certificate is used without a restart.
                ServerCertificateSelector = (_, _) => identity.Certificate,
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (shown, _, _) =>
                    HostAuthority.IsScheduler(shown, identity.Authority, clock.GetUtcNow()),
                CheckCertificateRevocation = false,
            }
        );
    }

    /// <summary>The settings of the process provider, with this host's address and folder.</summary>
    private static ProcessOptions ProcessesOf(
        ConfigurationManager configuration,
        WorkerAgentOptions options,
        HostFacts facts
    )
    {
        var section = configuration.GetSection(ProcessOptions.Section);
        var processes = section.Get<ProcessOptions>() ?? new ProcessOptions();
        processes.Enabled = true;
        processes.Host = facts.Address;
        processes.StateDirectory =
            section[nameof(ProcessOptions.StateDirectory)] ?? Path.Combine(options.StateDirectory, "process");
        processes.Region = section[nameof(ProcessOptions.Region)] ?? facts.Name;
        return processes;
    }

    private static ProcessProvider NewProvider(
        IServiceProvider services,
        ProcessOptions options,
        GpuNameResolver resolver
    ) =>
        new(
            options,
            services.GetRequiredService<Microsoft.Extensions.Options.IOptions<RuntimeOptions>>().Value,
            resolver,
            services.GetRequiredService<IHttpClientFactory>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<ProcessProvider>>()
        );
}
