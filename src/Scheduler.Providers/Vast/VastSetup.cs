using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

internal static class VastSetup
{
    internal const string Vendor = "Vast";

    /// <summary>
    /// As documented, per endpoint and identity: create 4.5 s, destroy 3 s, list 1 s. Vast tells no time to wait, and punishes a
    /// call that comes too early.
    /// </summary>
    private static readonly RateLimits Limits = new()
    {
        Any = TimeSpan.FromMilliseconds(200),
        Of = new Dictionary<CallKind, TimeSpan>
        {
            [CallKind.Create] = TimeSpan.FromSeconds(4.6),
            [CallKind.Release] = TimeSpan.FromSeconds(3.1),
            [CallKind.Read] = TimeSpan.FromSeconds(1.1),
            [CallKind.Offers] = TimeSpan.FromSeconds(1.1),
            [CallKind.Output] = TimeSpan.FromSeconds(1.1),
        },
    };

    internal static IServiceCollection AddVastProvider(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddHttpClient(VastClient.LogClientName);
        return services.AddVendorProviders<VastOptions, VastProvider>(
            configuration.GetSection(VastOptions.Section),
            Vendor,
            Make
        );
    }

    internal static VastProvider Make(
        VastOptions options,
        IAllocationJournal journal,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<VastProvider> log
    )
    {
        var api = new VendorApi(Vendor, options, Limits, http, clock)
        {
            RefusesCredential = VastFailures.RefusesCredential,
        };
        var client = new VastClient(options, api, http, clock);
        var probe = new RuntimeProbe(http, options.Probing, clock);
        var allocations = new FencedAllocations(client, journal, options, probe, clock, log);
        return new VastProvider(options, client, api, allocations, resolver);
    }
}
