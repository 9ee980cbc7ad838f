using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

internal static class ShadeformSetup
{
    internal const string Vendor = "Shadeform";

    /// <summary>Shadeform documents no limit.</summary>
    private static readonly RateLimits Limits = new() { Any = TimeSpan.FromMilliseconds(500) };

    internal static IServiceCollection AddShadeformProvider(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        return services.AddVendorProviders<ShadeformOptions, ShadeformProvider>(
            configuration.GetSection(ShadeformOptions.Section),
            Vendor,
            Make
        );
    }

    internal static ShadeformProvider Make(
        ShadeformOptions options,
        IAllocationJournal journal,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<ShadeformProvider> log
    )
    {
        var api = new VendorApi(Vendor, options, Limits, http, clock)
        {
            Authorize = (request, key) => request.Headers.Add("X-API-KEY", key),
        };
        var client = new ShadeformClient(options, api, clock);
        var probe = new RuntimeProbe(http, options.Probing, clock);
        var allocations = new FencedAllocations(client, journal, options, probe, clock, log);
        return new ShadeformProvider(options, client, api, allocations, resolver);
    }
}
