using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.VendorServers.Shadeform;

/// <summary>Serves a <see cref="ShadeformCloud"/> over HTTP.</summary>
public sealed class ShadeformServer : IVendorServer
{
    public string Name => "shadeform";

    public string SettingFor(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var root = address.ToString().TrimEnd('/');
        return $"SHADEFORM_API_KEY=shade_standin … --Providers:Shadeform:Enabled=true --Providers:Shadeform:ApiKeyEnvironment=SHADEFORM_API_KEY "
            + $"--Providers:Shadeform:BaseUrl={root}/v1 '--Providers:Shadeform:EndpointUrl={root}{ShadeformCloud.RuntimePath}'";
    }

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapCloud(new ShadeformCloud(app.Services.GetRequiredService<TimeProvider>()));
    }
}
