using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

internal static class VendorHttpSetup
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Binds the settings of a vendor and registers its providers: one for the key of the section, and one for each further account.
    /// </summary>
    internal static IServiceCollection AddVendorProviders<TOptions, TProvider>(
        this IServiceCollection services,
        IConfigurationSection section,
        string vendor,
        MakeVendorProvider<TOptions, TProvider> make
    )
        where TOptions : VendorOptions, new()
        where TProvider : class, IProvider
    {
        services.AddOptions<TOptions>().Bind(section);
        var options = section.Get<TOptions>() ?? new TOptions();
        if (!options.Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        services.AddVendorHttp(vendor);
        foreach (var id in VendorOptions.ProvidersOf(options).Select(own => own.Id))
        {
            services.AddSingleton<IProvider>(provider =>
                make(
                    VendorOptions
                        .ProvidersOf(provider.GetRequiredService<IOptions<TOptions>>().Value)
                        .Single(own => own.Id == id),
                    provider.GetRequiredService<IAllocationJournal>(),
                    provider.GetRequiredService<GpuNameResolver>(),
                    provider.GetRequiredService<IHttpClientFactory>(),
                    provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<ILogger<TProvider>>()
                )
            );
        }

        return services;
    }

    /// <summary>Registers the two HTTP clients of a vendor; see <see cref="VendorApi"/>.</summary>
    internal static IServiceCollection AddVendorHttp(this IServiceCollection services, string vendor)
    {
        var (reads, once) = VendorApi.ClientNames(vendor);
        Add(services, reads, ConnectionLifetime);
        Add(services, once, TimeSpan.Zero);
        return services;
    }

    private static void Add(IServiceCollection services, string name, TimeSpan lifetime) =>
        services
            .AddHttpClient(name, client => client.Timeout = Timeout.InfiniteTimeSpan)
            // The factory's own logs would hold the paths of runtimes, and their order has no meaning here.
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    ConnectTimeout = ConnectTimeout,
                    PooledConnectionLifetime = lifetime,
                    AutomaticDecompression = System.Net.DecompressionMethods.All,
                }
            );
}
