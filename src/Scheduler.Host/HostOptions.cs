using System.ComponentModel.DataAnnotations;
using System.Net;
using Scheduler.Domain.Settings;
using Scheduler.Host.Tls;

namespace Scheduler.Host;

/// <summary>Settings of the process itself, section <c>Host</c>.</summary>
internal sealed class HostOptions : ICheckedSettings
{
    public const string Section = "Host";

    private const int HighestPort = 65535;

    /// <summary>
    /// Role of this process: <c>all</c> or, in a cluster, <c>doors</c> (API, gateway and dashboard only, as a client of
    /// the silos) or <c>silo</c> (grains only; its HTTP port serves health and metrics).
    /// </summary>
    [AllowedValues(HostRole.All, HostRole.Doors, HostRole.Silo)]
    public string Role { get; set; } = HostRole.All;

    /// <summary>Address of the HTTP and gRPC ports; the default allows loopback only.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port of HTTP/1.1; 0 takes a free one.</summary>
    [Range(0, HighestPort)]
    public int HttpPort { get; set; } = 5080;

    /// <summary>
    /// Port of gRPC (HTTP/2 without TLS, which cannot share a port with HTTP/1.1); 0 takes a free one.
    /// </summary>
    [Range(0, HighestPort)]
    public int GrpcPort { get; set; } = 5081;

    /// <summary>
    /// Address at which the other processes of a cluster reach this silo; it listens on no other address. Without a
    /// cluster no other process connects to it. A host without IPv4 needs <c>::1</c>.
    /// </summary>
    public string SiloAddress { get; set; } = "127.0.0.1";

    /// <summary>
    /// Port of the silo; 0 takes a free one. Use a fixed port in a cluster: after a kill, a silo rejoins immediately on
    /// its old port. On another port it must wait until the old silo is declared dead.
    /// </summary>
    [Range(0, HighestPort)]
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port at which processes with the role <c>doors</c> reach this silo; 0 takes a free one.</summary>
    [Range(0, HighestPort)]
    public int GatewayPort { get; set; } = 30000;

    /// <summary>
    /// Added to every port that is not 0, so that several processes of one host can share a settings file; 0 to 10,000.
    /// </summary>
    [Range(0, 10_000)]
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
    [AllowedValues("console", "json")]
    public string Log { get; set; } = "console";

    /// <summary>
    /// How long the process accepts new requests after a stop request, while <c>/readyz</c> already reports not ready.
    /// A load balancer needs this time to notice.
    /// </summary>
    /// <value>0: there is no load balancer by default.</value>
    public TimeSpan DrainFor { get; set; }

    /// <summary>How long requests in progress may continue after the process has stopped accepting new ones.</summary>
    [DurationRange("0", "01:00:00", MinimumIsExclusive = true)]
    public TimeSpan FinishWithin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Maximum duration of a stop; after it the remaining work is aborted. It must be longer than
    /// <see cref="DrainFor"/> plus <see cref="FinishWithin"/>, because the silo hands over its grains after them.
    /// </summary>
    [DurationRange("0", "01:00:00", MinimumIsExclusive = true)]
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>The actual port: 0 stays 0, <see cref="PortOffset"/> is added to others.</summary>
    public int Moved(int port) => port == 0 ? 0 : port + PortOffset;

    public IEnumerable<SettingFault> Check(string section)
    {
        if (!IPAddress.TryParse(Address, out _))
        {
            yield return new SettingFault($"{section}:{nameof(Address)}", Address, "an IP address");
        }

        if (
            !IPAddress.TryParse(SiloAddress, out var silo)
            || silo.Equals(IPAddress.Any)
            || silo.Equals(IPAddress.IPv6Any)
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(SiloAddress)}",
                SiloAddress,
                "the one IP address others reach this host at"
            );
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
            if (port <= HighestPort && Moved(port) > HighestPort)
            {
                yield return new SettingFault(
                    $"{section}:{name}",
                    port,
                    $"0 to {HighestPort - PortOffset}",
                    $"with {nameof(PortOffset)} {PortOffset}"
                );
            }
        }

        if (ShutdownTimeout > TimeSpan.Zero && (DrainFor < TimeSpan.Zero || DrainFor >= ShutdownTimeout))
        {
            yield return new SettingFault(
                $"{section}:{nameof(DrainFor)}",
                DrainFor,
                $"0 to below {nameof(ShutdownTimeout)}, {ShutdownTimeout}"
            );
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
}
