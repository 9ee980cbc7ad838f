using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Providers;
using Scheduler.Providers;
using Scheduler.Providers.Http;
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

    [Fact]
    public void Each_account_at_a_vendor_is_a_provider_that_only_the_named_accounts_may_use()
    {
        using var host = Host(
            ("Providers:Simulated:Enabled", "false"),
            ("Providers:RunPod:Enabled", "true"),
            ("Providers:RunPod:ApiKeyEnvironment", "KEY"),
            ("Providers:RunPod:Accounts:acme:ApiKeyEnvironment", "ACME_KEY"),
            ("Providers:RunPod:Accounts:acme:OnlyFor:0", "acct-acme"),
            ("Providers:Lambda:Enabled", "true"),
            ("Providers:Lambda:Accounts:lab:ApiKeyEnvironment", "LAB_KEY"),
            ("Providers:Docker:Enabled", "true"),
            ("Providers:Docker:Hosts:box:OnlyFor:0", "acct-lab")
        );

        var onlyFor = host
            .Services.GetServices<IProvider>()
            .ToDictionary(provider => provider.Id.Value, provider => string.Join(' ', provider.OnlyFor));

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["runpod"] = "",
                ["runpod-acme"] = "acct-acme",
                ["lambda-lab"] = "",
                ["docker-box"] = "acct-lab",
            },
            onlyFor
        );
    }

    private static IHost Host(params (string Path, string Value)[] settings)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(
            settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Path, setting.Value))
        );
        builder.Services.AddSingleton<IAllocationJournal, InMemoryAllocationJournal>();
        builder.Services.AddProviders(builder.Configuration, (gpu, _, _) => gpu);
        return builder.Build();
    }
}
