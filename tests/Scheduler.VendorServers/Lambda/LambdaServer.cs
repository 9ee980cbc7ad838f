using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.VendorServers.Lambda;

/// <summary>Serves a <see cref="LambdaCloud"/> over HTTP.</summary>
public sealed class LambdaServer : IVendorServer
{
    public string Name => "lambda";

    public string SettingFor(Uri address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var root = address.ToString().TrimEnd('/');
        return $"LAMBDA_API_KEY=secret_standin … --Providers:Lambda:Enabled=true --Providers:Lambda:ApiKeyEnvironment=LAMBDA_API_KEY "
            + $"--Providers:Lambda:SshKeyName=standin --Providers:Lambda:BaseUrl={root}/api/v1 "
            + $"'--Providers:Lambda:EndpointUrl={root}{LambdaCloud.RuntimePath}'";
    }

    public void MapTo(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapCloud(new LambdaCloud(app.Services.GetRequiredService<TimeProvider>()));
    }
}
