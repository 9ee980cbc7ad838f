using Scheduler.Host.Tls;

namespace Scheduler.Host;

/// <summary>Settings of the process itself, section <c>Host</c>.</summary>
internal sealed class HostOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Host";

    /// <summary>
    /// What this process is: <c>all</c>, or, in a cluster, <c>doors</c> (the API alone, a client of the silos) or <c>silo</c> (the actors
    /// alone; its HTTP port answers health and nothing else).
    /// </summary>
    /// <value><c>all</c></value>
    public string Role { get; set; } = HostRole.All;

    /// <summary>Address both doors listen on; nothing listens beyond loopback unless this says so.</summary>
    /// <value><c>127.0.0.1</c></value>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port of HTTP/1.1; 0 takes a free one.</summary>
    public int HttpPort { get; set; } = 5080;

    /// <summary>Port of gRPC (HTTP/2 without TLS, which cannot share a port with HTTP/1.1); 0 takes a free one.</summary>
    public int GrpcPort { get; set; } = 5081;

    /// <summary>
    /// Address at which the other silos and the doors of a cluster reach this silo, and the only one it listens on. Without a cluster
    /// nothing but loopback is listened on.
    /// </summary>
    /// <value><c>127.0.0.1</c></value>
    public string SiloAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Port of the silo; 0 takes a free one. In a cluster better fixed: a silo that was killed comes back in its own place at once, and
    /// in another only when the old one is known to be dead.
    /// </summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port at which doors of other processes reach this silo, in a cluster; 0 takes a free one.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Added to every port that is not 0, so that several silos of one host can share a settings file; 0 to 10,000.</summary>
    public int PortOffset { get; set; }

    /// <summary>The operator's first key, <c>sk-…</c>; null takes the one in <see cref="OperatorKeyFile"/>.</summary>
    public string? OperatorKey { get; set; }

    /// <summary>
    /// File with the operator's first key, readable by its owner alone. The first silo that starts with it makes it; each host of a
    /// cluster may have its own. Null is <c>operator.key</c> beside the SQLite file.
    /// </summary>
    public string? OperatorKeyFile { get; set; }

    /// <summary>Certificates; none by default.</summary>
    public TlsOptions Tls { get; set; } = new();

    /// <summary>Where log lines go: <c>console</c> for people, <c>json</c> for machines (one object a line, standard output).</summary>
    /// <value><c>console</c></value>
    public string Log { get; set; } = "console";

    /// <summary>
    /// How long the doors go on taking work after a stop was asked for and <c>/readyz</c> says no: the time a balancer needs to notice.
    /// </summary>
    /// <value>0: there is no balancer</value>
    public TimeSpan DrainFor { get; set; }

    /// <summary>How long requests under way may take after the doors closed.</summary>
    /// <value>10 s</value>
    public TimeSpan FinishWithin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a stop may take in all before what is left is cut off: longer than <see cref="DrainFor"/> and <see cref="FinishWithin"/>
    /// together, since the silo hands over after them.
    /// </summary>
    /// <value>30 s</value>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What it tells of itself.</summary>
    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>A port as it is opened: 0 stays 0, others are moved by <see cref="PortOffset"/>.</summary>
    public int Moved(int port) => port == 0 ? 0 : port + PortOffset;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
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

/// <summary>What a process can be.</summary>
internal static class HostRole
{
    /// <summary>A silo with its own doors.</summary>
    public const string All = "all";

    /// <summary>The API alone.</summary>
    public const string Doors = "doors";

    /// <summary>The actors alone.</summary>
    public const string Silo = "silo";

    /// <summary>Every role.</summary>
    public static readonly string[] Known = [All, Doors, Silo];
}
