using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Edge.Limits;

namespace Scheduler.Edge;

/// <summary>Bounds what connections may cost, before there is a request.</summary>
public static class ConnectionSetup
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public static IServiceCollection AddConnectionLimits(this IServiceCollection services)
    {
        services.AddMemoryBudget();
        services.AddOptions<ConnectionOptions>().BindConfiguration(ConnectionOptions.Section);
        services.AddSingleton(Limits);

        // Without TLS these are the buffers, with it those of the server are.
        services.Configure<SocketTransportOptions>(sockets =>
            (sockets.MaxReadBufferSize, sockets.MaxWriteBufferSize) = (
                ConnectionOptions.BufferBytes,
                ConnectionOptions.BufferBytes
            )
        );
        return services;
    }

    /// <summary>Sets the time-outs, rates and buffers of all ports.</summary>
    public static void UseConnectionSettings(this KestrelServerOptions kestrel)
    {
        // A stream of a connection, and all its streams, in bytes that are read ahead.
        const int streamBytes = 128 * 1024;
        var options = kestrel.ApplicationServices.GetRequiredService<IOptions<ConnectionOptions>>().Value;
        var slowest = new MinDataRate(options.SlowestBytesPerSecond, Grace);
        var limits = kestrel.Limits;
        limits.KeepAliveTimeout = options.IdleTimeout;
        limits.RequestHeadersTimeout = options.HeadersTimeout;
        limits.MinRequestBodyDataRate = slowest;
        limits.MinResponseDataRate = slowest;
        limits.MaxRequestBufferSize = ConnectionOptions.BufferBytes;
        limits.MaxResponseBufferSize = ConnectionOptions.BufferBytes;
        limits.Http2.InitialStreamWindowSize = streamBytes;
        limits.Http2.InitialConnectionWindowSize = 2 * streamBytes;
    }

    /// <summary>Counts the connections of a port. Must come before TLS, whose handshake is work.</summary>
    public static void LimitConnections(this ListenOptions port) =>
        port.Use(port.ApplicationServices.GetRequiredService<ConnectionLimits>().Use);

    private static ConnectionLimits Limits(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<ConnectionOptions>>().Value;
        var most = options.MostOf(Descriptors(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        return new ConnectionLimits(
            most,
            options.MostPerAddress > 0 ? options.MostPerAddress : most / 2,
            services.GetRequiredService<EdgeMetrics>()
        );
    }

    /// <summary>File descriptors that the process may open; null where the system does not tell.</summary>
    private static long? Descriptors()
    {
        const string file = "/proc/self/limits";
        const string name = "Max open files";
        if (!File.Exists(file))
        {
            return null;
        }

        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        var soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return long.TryParse(soft, CultureInfo.InvariantCulture, out var most) ? most : null;
    }
}
