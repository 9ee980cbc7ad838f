using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

internal static class RunPodSetup
{
    internal const string Vendor = "RunPod";

    /// <summary>The headers of every answer tell what is left, so calls need little space between them.</summary>
    private static readonly RateLimits Limits = new() { Any = TimeSpan.FromMilliseconds(100) };

    internal static IServiceCollection AddRunPodProvider(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(RunPodOptions.Section);
        services.AddOptions<RunPodOptions>().Bind(section);
        if (!(section.Get<RunPodOptions>() ?? new RunPodOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        services.AddVendorHttp(Vendor);
        services.AddSingleton<IProvider>(provider =>
            Make(
                provider.GetRequiredService<IOptions<RunPodOptions>>().Value,
                provider.GetRequiredService<IAllocationJournal>(),
                provider.GetRequiredService<GpuNameResolver>(),
                provider.GetRequiredService<IHttpClientFactory>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<RunPodProvider>>()
            )
        );
        return services;
    }

    internal static RunPodProvider Make(
        RunPodOptions options,
        IAllocationJournal journal,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<RunPodProvider> log
    )
    {
        var api = new VendorApi(Vendor, options, Limits, http, clock);
        var client = new RunPodClient(options, api, clock);
        var probe = new RuntimeProbe(http, options.Probing, clock);
        var allocations = new FencedAllocations(client, journal, options, probe, clock, log);
        return new RunPodProvider(options, client, api, allocations, resolver);
    }
}
