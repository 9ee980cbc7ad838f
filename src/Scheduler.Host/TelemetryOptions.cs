using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;

namespace Scheduler.Host;

/// <summary>Settings of metrics and traces, section <c>Host:Telemetry</c>.</summary>
internal sealed class TelemetryOptions : ICheckedSettings
{
    /// <summary>
    /// Who may scrape <c>/metrics</c> on the HTTP port, without a key. <c>loopback</c>: callers on this machine, but
    /// not through a proxy. <c>open</c>: every caller that reaches the port. <c>off</c>: no caller. The metrics are
    /// sums over all accounts, but only for the operator. Use <c>open</c> only if the network lets nothing but
    /// Prometheus and the control plane reach the port.
    /// </summary>
    [AllowedValues("off", "loopback", "open")]
    public string Prometheus { get; set; } = "loopback";

    /// <summary>
    /// OTLP endpoint for metrics and traces, for example <c>http://127.0.0.1:4317</c>; null turns both off.
    /// </summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>OTLP transport: <c>grpc</c>, or <c>http</c> (protobuf).</summary>
    [AllowedValues("grpc", "http")]
    public string OtlpProtocol { get; set; } = "grpc";

    /// <summary>
    /// Share of sampled traces among those that begin here, 0 to 1. A trace that a caller began follows the caller's
    /// decision.
    /// </summary>
    [Range(0.0, 1.0)]
    public double TraceShare { get; set; } = 1;

    public bool IsOn => Prometheus != "off" || OtlpEndpoint is not null;

    public IEnumerable<SettingFault> Check(string section)
    {
        if (
            OtlpEndpoint is not null
            && !(Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        )
        {
            yield return new SettingFault(
                $"{section}:{nameof(OtlpEndpoint)}",
                OtlpEndpoint,
                "an http or https address"
            );
        }
    }
}
