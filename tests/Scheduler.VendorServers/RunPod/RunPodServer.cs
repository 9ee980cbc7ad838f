using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.VendorServers.RunPod;

/// <summary>Serves a <see cref="RunPodCloud"/> over HTTP.</summary>
public sealed class RunPodServer : IVendorServer
{
    public string Name => "runpod";

    public string SettingFor(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var root = address.ToString().TrimEnd('/');
        return $"RUNPOD_API_KEY=rpa_standin … --Providers:RunPod:Enabled=true --Providers:RunPod:ApiKeyEnvironment=RUNPOD_API_KEY "
            + $"--Providers:RunPod:BaseUrl={root}/v2 '--Providers:RunPod:ProxyUrl={root}{RunPodCloud.ProxyPath}'";
    }

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        // The quota of the description's example.
        var clock = app.Services.GetRequiredService<TimeProvider>();
        app.MapCloud(new RunPodCloud(clock) { MinuteQuota = 60 });
    }
}
