namespace Scheduler.Host;

/// <summary>What the process tells of itself, section <c>Host:Telemetry</c>.</summary>
internal sealed class TelemetryOptions
{
    /// <summary>
    /// Who may scrape <c>/metrics</c> on the HTTP port, without a key: <c>loopback</c> callers on this machine and nobody through a
    /// proxy, <c>open</c> everybody who reaches the port, <c>off</c> nobody. What it shows are sums over all accounts and never an account;
    /// still it is the operator's business and not the tenants': say <c>open</c> only where the network lets none but Prometheus and the
    /// control plane reach the port.
    /// </summary>
    /// <value><c>loopback</c></value>
    public string Prometheus { get; set; } = "loopback";

    /// <summary>Where metrics and traces are sent over OTLP, for example <c>http://127.0.0.1:4317</c>; null sends none and makes no traces.</summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>How OTLP is spoken: <c>grpc</c>, or <c>http</c> (protobuf).</summary>
    /// <value><c>grpc</c></value>
    public string OtlpProtocol { get; set; } = "grpc";

    /// <summary>Which share of traces that begin here is kept; one that a caller began is kept where the caller keeps it. 0 to 1.</summary>
    /// <value>1</value>
    public double TraceShare { get; set; } = 1;

    /// <summary>Whether anything is measured at all.</summary>
    public bool IsOn => Prometheus != "off" || OtlpEndpoint is not null;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults(string section)
    {
        if (Prometheus is not ("off" or "loopback" or "open"))
        {
            yield return $"{section}:{nameof(Prometheus)} is '{Prometheus}'; accepted: off, loopback, open";
        }

        if (
            OtlpEndpoint is not null
            && !(Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        )
        {
            yield return $"{section}:{nameof(OtlpEndpoint)} is '{OtlpEndpoint}'; accepted: an http or https address";
        }

        if (OtlpProtocol is not ("grpc" or "http"))
        {
            yield return $"{section}:{nameof(OtlpProtocol)} is '{OtlpProtocol}'; accepted: grpc, http";
        }

        if (TraceShare is not (>= 0 and <= 1))
        {
            yield return $"{section}:{nameof(TraceShare)} is '{TraceShare}'; accepted: 0 to 1";
        }
    }
}
