using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

internal static class LambdaSetup
{
    internal const string Vendor = "Lambda";

    /// <summary>As documented: one call a second, one launch request each 12 s.</summary>
    private static readonly RateLimits Limits = new()
    {
        Any = TimeSpan.FromSeconds(1),
        Of = new Dictionary<CallKind, TimeSpan> { [CallKind.Create] = TimeSpan.FromSeconds(12) },
    };

    internal static IServiceCollection AddLambdaProvider(this IServiceCollection services, IConfiguration configuration)
    {
        return services.AddVendorProviders<LambdaOptions, LambdaProvider>(
            configuration.GetSection(LambdaOptions.Section),
            Vendor,
            Make
        );
    }

    internal static LambdaProvider Make(
        LambdaOptions options,
        IAllocationJournal journal,
        GpuNameResolver resolver,
        IHttpClientFactory http,
        TimeProvider clock,
        ILogger<LambdaProvider> log
    )
    {
        var api = new VendorApi(Vendor, options, Limits, http, clock)
        {
            RefusesCredential = LambdaFailures.RefusesCredential,
        };
        var client = new LambdaClient(options, api, clock);
        var probe = new RuntimeProbe(http, options.Probing, clock);
        var allocations = new FencedAllocations(client, journal, options, probe, clock, log);
        return new LambdaProvider(options, client, api, allocations, resolver);
    }
}
