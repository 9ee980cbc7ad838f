using Scheduler.Host.Tls;

namespace Scheduler.Host;

/// <summary>Settings of the process itself, section <c>Host</c>.</summary>
internal sealed class HostOptions
{
    public const string Section = "Host";

    /// <summary>
    /// Role of this process: <c>all</c> or, in a cluster, <c>doors</c> (API, gateway and dashboard only, as a client of
    /// the silos) or <c>silo</c> (grains only; its HTTP port serves health and metrics).
    /// </summary>
    public string Role { get; set; } = HostRole.All;

    /// <summary>Address of the HTTP and gRPC ports; the default allows loopback only.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port of HTTP/1.1; 0 takes a free one.</summary>
    public int HttpPort { get; set; } = 5080;

    /// <summary>
    /// Port of gRPC (HTTP/2 without TLS, which cannot share a port with HTTP/1.1); 0 takes a free one.
    /// </summary>
    public int GrpcPort { get; set; } = 5081;

    /// <summary>
    /// Address at which the other processes of a cluster reach this silo; it listens on no other address. Without a
    /// cluster the silo listens on loopback.
    /// </summary>
    public string SiloAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Port of the silo; 0 takes a free one. Use a fixed port in a cluster: after a kill, a silo rejoins immediately on
    /// its old port. On another port it must wait until the old silo is declared dead.
    /// </summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port at which processes with the role <c>doors</c> reach this silo; 0 takes a free one.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>
    /// Added to every port that is not 0, so that several processes of one host can share a settings file; 0 to 10,000.
    /// </summary>
    public int PortOffset { get; set; }

    /// <summary>The operator's first key, <c>sk-…</c>; null takes the one in <see cref="OperatorKeyFile"/>.</summary>
    public string? OperatorKey { get; set; }

    /// <summary>
    /// File with the operator's first key; only its owner can read it. The first silo that starts creates it. Each host
    /// of a cluster may have its own file and key. Null means <c>operator.key</c> in the folder of the SQLite file.
    /// </summary>
    public string? OperatorKeyFile { get; set; }

    public TlsOptions Tls { get; set; } = new();

    /// <summary>
    /// Log format on standard output: <c>console</c> for people, <c>json</c> for machines (one object per line).
    /// </summary>
    public string Log { get; set; } = "console";

    /// <summary>
    /// How long the process accepts new requests after a stop request, while <c>/readyz</c> already reports not ready.
    /// A load balancer needs this time to notice.
    /// </summary>
    /// <value>0: there is no load balancer by default.</value>
    public TimeSpan DrainFor { get; set; }

    /// <summary>How long requests in progress may continue after the process has stopped accepting new ones.</summary>
    public TimeSpan FinishWithin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Maximum duration of a stop; after it the remaining work is aborted. It must be longer than
    /// <see cref="DrainFor"/> plus <see cref="FinishWithin"/>, because the silo hands over its grains after them.
    /// </summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>The actual port: 0 stays 0, <see cref="PortOffset"/> is added to others.</summary>
    public int Moved(int port) => port == 0 ? 0 : port + PortOffset;

    public IEnumerable<string> Faults()
    {
        if (!HostRole.Known.Contains(Role))
        {
            yield return $"{Section}:{nameof(Role)} is '{Role}'; accepted: {string.Join(", ", HostRole.Known)}";
        }

        if (!System.Net.IPAddress.TryParse(Address, out _))
        {
            yield return $"{Section}:{nameof(Address)} is '{Address}'; accepted: an IP address";
        }

        if (!System.Net.IPAddress.TryParse(SiloAddress, out var silo) || IsAnywhere(silo))
        {
            yield return $"{Section}:{nameof(SiloAddress)} is '{SiloAddress}'; accepted: the one IP address others reach this host at";
        }

        if (Log is not ("console" or "json"))
        {
            yield return $"{Section}:{nameof(Log)} is '{Log}'; accepted: console, json";
        }

        foreach (var fault in PortFaults().Concat(TimeFaults()).Concat(Tls.Faults($"{Section}:{nameof(Tls)}")))
        {
            yield return fault;
        }
    }

    private static bool IsAnywhere(System.Net.IPAddress address) =>
        address.Equals(System.Net.IPAddress.Any) || address.Equals(System.Net.IPAddress.IPv6Any);

    private IEnumerable<string> PortFaults()
    {
        const int highest = 65535;
        const int furthest = 10_000;
        if (PortOffset is < 0 or > furthest)
        {
            yield return $"{Section}:{nameof(PortOffset)} is '{PortOffset}'; accepted: 0 to {furthest}";
        }

        foreach (
            var (name, port) in new[]
            {
                (nameof(HttpPort), HttpPort),
                (nameof(GrpcPort), GrpcPort),
                (nameof(SiloPort), SiloPort),
                (nameof(GatewayPort), GatewayPort),
            }
        )
        {
            if (port is < 0 or > highest)
            {
                yield return $"{Section}:{name} is '{port}'; accepted: 0 to {highest}";
            }
            else if (Moved(port) > highest)
            {
                yield return $"{Section}:{name} is '{port}'; accepted with {nameof(PortOffset)} {PortOffset}: 0 to {highest - PortOffset}";
            }
        }
    }

    private IEnumerable<string> TimeFaults()
    {
        if (ShutdownTimeout <= TimeSpan.Zero || ShutdownTimeout > TimeSpan.FromHours(1))
        {
            yield return $"{Section}:{nameof(ShutdownTimeout)} is '{ShutdownTimeout}'; accepted: above 0, to 01:00:00";
        }
        else if (DrainFor < TimeSpan.Zero || DrainFor >= ShutdownTimeout)
        {
            yield return $"{Section}:{nameof(DrainFor)} is '{DrainFor}'; accepted: 0 to below {nameof(ShutdownTimeout)}, {ShutdownTimeout}";
        }

        if (FinishWithin <= TimeSpan.Zero || FinishWithin > TimeSpan.FromHours(1))
        {
            yield return $"{Section}:{nameof(FinishWithin)} is '{FinishWithin}'; accepted: above 0, to 01:00:00";
        }

        foreach (var fault in Telemetry.Faults($"{Section}:{nameof(Telemetry)}"))
        {
            yield return fault;
        }
    }
}

internal static class HostRole
{
    /// <summary>A silo with API, gateway and dashboard.</summary>
    public const string All = "all";

    /// <summary>API, gateway and dashboard, without a silo.</summary>
    public const string Doors = "doors";

    /// <summary>A silo only.</summary>
    public const string Silo = "silo";

    public static readonly string[] Known = [All, Doors, Silo];
}
