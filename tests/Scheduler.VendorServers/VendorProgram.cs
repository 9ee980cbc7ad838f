using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.VendorServers;

/// <summary>The command line, and the start of a server on loopback.</summary>
public static class VendorProgram
{
    /// <summary>The vendors that have a server; each line is one folder.</summary>
    public static IReadOnlyList<Func<IVendorServer>> All { get; } =
    [
        () => new Docker.DockerServer(),
        HuggingFace.HuggingFaceServer.WithSamples,
        () => new Kubernetes.KubernetesServer(),
        () => new RunPod.RunPodServer(),
        () => new Lambda.LambdaServer(),
        () => new Shadeform.ShadeformServer(),
        () => new Vast.VastServer(),
    ];

    /// <returns>0 after a stop, 2 for a wrong command line.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var servers = All.Select(make => make()).ToList();
        var server = servers.FirstOrDefault(server => server.Name == args.FirstOrDefault());
        var port = 0;
        var hasPort = args is [_] || (args is [_, "--port", var text] && TryPort(text, out port));
        if (server is null || !hasPort)
        {
            await Console.Error.WriteLineAsync(
                $"usage: vendor-servers VENDOR [--port N]; vendors: {string.Join(", ", servers.Select(s => s.Name))}"
            );
            return 2;
        }

        await using var app = await StartAsync(server, port);
        Console.WriteLine($"{server.Name} listens on {AddressOf(app)}");
        Console.WriteLine($"Point the scheduler at it: {server.SettingFor(AddressOf(app))}");
        await app.WaitForShutdownAsync(CancellationToken.None);
        return 0;
    }

    /// <summary>Starts a server on loopback.</summary>
    /// <param name="port">0 for a free one.</param>
    /// <param name="clock">The vendor's clock; null for the system's.</param>
    public static async Task<WebApplication> StartAsync(
        IVendorServer server,
        int port = 0,
        TimeProvider? clock = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(server);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var app = builder.Build();
        server.MapTo(app);
        await app.StartAsync(cancellationToken);
        return app;
    }

    public static Uri AddressOf(WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return new Uri(app.Urls.First());
    }

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out port) && port is >= 0 and <= IPEndPoint.MaxPort;
}
