using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// One loopback listener for all simulated allocations. <c>http://127.0.0.1:{port}/a/{key}/</c> is the runtime of one
/// allocation. It answers only while the allocation is ready.
/// </summary>
internal sealed partial class StandInRuntime(SimulatedMarket market, ILogger<StandInRuntime> log)
    : IHostedLifecycleService
{
    private WebApplication? _app;

    /// <summary>Runs before other services, because a starting silo requests endpoints at once.</summary>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (!market.Options.ServeRuntime)
        {
            return;
        }

        var remembered = RememberedPort();
        try
        {
            await ListenAsync(remembered, cancellationToken);
            Remember(market.RuntimeBase.Port);
        }
        catch (IOException e) when (market.Options.RuntimePort == 0 && remembered != 0)
        {
            // Another scheduler with the same cloud uses the port, and keeps it.
            LogPortTaken(e, remembered);
            await ListenAsync(0, cancellationToken);
        }

        LogListening(market.RuntimeBase);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs after other services have stopped, because they may still send requests.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync(cancellationToken);
            await app.DisposeAsync();
        }
    }

    private async Task ListenAsync(int port, CancellationToken cancellationToken)
    {
        // The empty builder reads no configuration and no environment, so only RuntimePort decides the address.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(Loopback(), port));
        var app = builder.Build();
        app.Run(new StandInApi(market).AnswerAsync);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException)
        {
            await app.DisposeAsync();
            throw;
        }

        var server = app.Services.GetRequiredService<IServer>();
        var addresses =
            server.Features.Get<IServerAddressesFeature>()
            ?? throw new InvalidOperationException("Kestrel did not report its listen address.");
        market.RuntimeBase = new Uri(addresses.Addresses.First() + "/");
        _app = app;
    }

    /// <summary><c>::1</c> on a host without IPv4.</summary>
    private static IPAddress Loopback()
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return IPAddress.Loopback;
        }
        catch (SocketException exception)
            when (exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            return IPAddress.IPv6Loopback;
        }
    }

    private string? PortFile => market.Options.StatePath is { } path ? path + ".port" : null;

    /// <summary>The last port, so that stored endpoints stay valid across a restart; 0 for any free port.</summary>
    private int RememberedPort()
    {
        if (market.Options.RuntimePort != 0 || PortFile is not { } file || !File.Exists(file))
        {
            return market.Options.RuntimePort;
        }

        return
            int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65_536
            ? port
            : 0;
    }

    private void Remember(int port)
    {
        if (PortFile is { } file)
        {
            File.WriteAllText(file, port.ToString(CultureInfo.InvariantCulture));
        }
    }
}
