using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;
using Scheduler.Providers;
using Xunit;

namespace Scheduler.UnitTests.Providers;

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

    [Theory]
    [InlineData("Providers:Simulated:Sede", "3", "Seed")]
    [InlineData("Providers:Simulated:Faults:0:Match:Gpu", "H100", "GpuType")]
    [InlineData("Providers:Simulatd:Seed", "3", "Simulated, Process")]
    [InlineData("Providers:Simulated:EurPerUsd", "-1", "a rate above 0")]
    [InlineData("Providers:Simulated:Vendors:0", "aws", "azure")]
    [InlineData("Providers:Simulated:Faults:0:OomAfter", "-00:00:01", "duration")]
    [InlineData("Providers:Simulated:Faults:0:Probability", "2", "0 to 1")]
    [InlineData("Providers:Process:Cpu:Available", "0", "1 to 1000")]
    [InlineData("Providers:Process:Presets:mine:Program", "", "Presets:mine")]
    public async Task A_wrong_setting_stops_the_start_with_its_path_and_the_accepted_values(
        string path,
        string value,
        string accepted
    )
    {
        using var host = Host((path, value), ("Providers:Process:Enabled", "true"));

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Ct));

        var expected = path.StartsWith("Providers:Simulatd", StringComparison.Ordinal) ? "Providers:Simulatd" : path;
        expected = expected.EndsWith(":Program", StringComparison.Ordinal) ? expected[..^8] : expected;
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(accepted, error.Message, StringComparison.Ordinal);
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
