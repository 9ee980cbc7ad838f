using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
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
        return services.AddVendorProviders<RunPodOptions, RunPodProvider>(
            configuration.GetSection(RunPodOptions.Section),
            Vendor,
            Make
        );
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
