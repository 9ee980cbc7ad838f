using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
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
        var section = configuration.GetSection(ShadeformOptions.Section);
        services.AddOptions<ShadeformOptions>().Bind(section);
        if (!(section.Get<ShadeformOptions>() ?? new ShadeformOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        services.AddVendorHttp(Vendor);
        services.AddSingleton<IProvider>(provider =>
            Make(
                provider.GetRequiredService<IOptions<ShadeformOptions>>().Value,
                provider.GetRequiredService<IAllocationJournal>(),
                provider.GetRequiredService<GpuNameResolver>(),
                provider.GetRequiredService<IHttpClientFactory>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<ShadeformProvider>>()
            )
        );
        return services;
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
