using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.Providers.Http;

internal static class VendorHttpSetup
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

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
