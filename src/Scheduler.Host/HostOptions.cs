namespace Scheduler.Host;

/// <summary>Settings of the process itself, section <c>Host</c>.</summary>
internal sealed class HostOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Host";

    /// <summary>Address both doors listen on; nothing listens beyond loopback unless this says so.</summary>
    /// <value><c>127.0.0.1</c></value>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port of HTTP/1.1; 0 takes a free one.</summary>
    public int HttpPort { get; set; } = 5080;

    /// <summary>Port of gRPC (HTTP/2 without TLS, which cannot share a port with HTTP/1.1); 0 takes a free one.</summary>
    public int GrpcPort { get; set; } = 5081;

    /// <summary>Port of the silo, loopback only; 0 takes a free one.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>
    /// The operator's first key, <c>sk-…</c>; null makes one at the first start and keeps it in <c>operator.key</c> beside the database,
    /// readable by its owner alone.
    /// </summary>
    public string? OperatorKey { get; set; }

    /// <summary>Where log lines go: <c>console</c> for people, <c>json</c> for machines (one object a line, standard output).</summary>
    /// <value><c>console</c></value>
    public string Log { get; set; } = "console";

    /// <summary>How long a stop may take before what is left is cut off.</summary>
    /// <value>30 s</value>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>What it tells of itself.</summary>
    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults()
    {
        if (!System.Net.IPAddress.TryParse(Address, out _))
        {
            yield return $"{Section}:{nameof(Address)} is '{Address}'; accepted: an IP address";
        }

        foreach (
            var (name, port) in new[]
            {
                (nameof(HttpPort), HttpPort),
                (nameof(GrpcPort), GrpcPort),
                (nameof(SiloPort), SiloPort),
            }
        )
        {
            if (port is < 0 or > 65535)
            {
                yield return $"{Section}:{name} is '{port}'; accepted: 0 to 65535";
            }
        }

        if (Log is not ("console" or "json"))
        {
            yield return $"{Section}:{nameof(Log)} is '{Log}'; accepted: console, json";
        }

        if (ShutdownTimeout <= TimeSpan.Zero || ShutdownTimeout > TimeSpan.FromHours(1))
        {
            yield return $"{Section}:{nameof(ShutdownTimeout)} is '{ShutdownTimeout}'; accepted: above 0, to 01:00:00";
        }

        foreach (var fault in Telemetry.Faults($"{Section}:{nameof(Telemetry)}"))
        {
            yield return fault;
        }
    }
}
