using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Providers;
using Scheduler.Providers;
using Xunit;

namespace Scheduler.ProviderTests;

public sealed class ProvidersSetupTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_simulated_market_is_enabled_by_default()
    {
        using var host = Host();
        await host.StartAsync(Ct);

        var providers = host.Services.GetServices<IProvider>().ToList();

        Assert.Equal(14, providers.Count);
        Assert.Equal(14, providers.Select(provider => provider.Id).Distinct().Count());
        await host.StopAsync(Ct);
    }

    [Fact]
    public void Only_enabled_adapters_are_registered()
    {
        using var host = Host(("Providers:Simulated:Enabled", "false"));

        Assert.Empty(host.Services.GetServices<IProvider>());
    }

    [Fact]
    public void Simulated_faults_are_read_from_configuration()
    {
        using var host = Host(
            ("Providers:Simulated:Vendors:0", "lambda"),
            ("Providers:Simulated:Faults:0:Match:GpuType", "H100"),
            ("Providers:Simulated:Faults:0:NeverAnswer", "true"),
            ("Providers:Simulated:Faults:0:BootTime", "00:00:30")
        );

        Assert.Equal("sim-lambda", Assert.Single(host.Services.GetServices<IProvider>()).Id.Value);
    }

    private static IHost Host(params (string Path, string Value)[] settings)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Path, setting.Value))
        );
        builder.Services.AddProviders(builder.Configuration, (gpu, _, _) => gpu);
        return builder.Build();
    }
}
