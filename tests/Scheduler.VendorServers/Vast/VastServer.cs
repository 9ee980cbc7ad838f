using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Scheduler.VendorServers.Vast;

/// <summary>Serves a <see cref="VastCloud"/> over HTTP.</summary>
public sealed class VastServer : IVendorServer
{
    public string Name => "vast";

    public string SettingFor(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var root = address.ToString().TrimEnd('/');
        return $"VAST_API_KEY=vast_standin … --Providers:Vast:Enabled=true --Providers:Vast:ApiKeyEnvironment=VAST_API_KEY "
            + $"--Providers:Vast:BaseUrl={root}/api '--Providers:Vast:RuntimeUrl={root}{VastCloud.RuntimePath}'";
    }

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var cloud = new VastCloud(app.Services.GetRequiredService<TimeProvider>());
        app.Services.GetRequiredService<IHostApplicationLifetime>()
            .ApplicationStarted.Register(() => cloud.Root = VendorProgram.AddressOf(app));
        app.MapCloud(cloud);
    }
}
