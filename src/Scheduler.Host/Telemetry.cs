using System.Diagnostics;
using System.Net;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Orleans.Diagnostics;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Host;

/// <summary>
/// Metrics for Prometheus, and metrics and traces over OTLP. Only what the settings enable is set up.
/// </summary>
internal static class Telemetry
{
    public const string ScrapePath = "/metrics";

    private static readonly string[] Meters =
    [
        SchedulerMetrics.MeterName,
        "Microsoft.Orleans",
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "System.Runtime",
    ];

    private const string RequestDuration = "http.server.request.duration";

    /// <summary>
    /// Each route and status is a series, so its size decides that of a scrape. It has few boundaries, in seconds, and
    /// only the labels that dashboard, alerts and runbooks use.
    /// </summary>
    private static readonly ExplicitBucketHistogramConfiguration RequestBuckets = new()
    {
        Boundaries = [0.1, 1, 10],
        RecordMinMax = false,
        TagKeys = ["http.route", "http.response.status_code", "scheduler.reason"],
    };

    /// <summary>Latencies of others, in milliseconds; no page of the repository uses more than their sums.</summary>
    private static readonly ExplicitBucketHistogramConfiguration OthersBuckets = new()
    {
        Boundaries = [10, 1000],
        RecordMinMax = false,
    };

    public static void Add(WebApplicationBuilder builder, TelemetryOptions options)
    {
        if (!options.IsOn)
        {
            return;
        }

        var telemetry = builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource =>
                resource.AddService("scheduler", serviceInstanceId: Environment.MachineName)
            );
        telemetry.WithMetrics(metrics => AddMetrics(metrics, options));
        if (options.OtlpEndpoint is not null)
        {
            telemetry.WithTracing(traces => AddTraces(traces, options));
        }
    }

    /// <summary>Propagates traces between silos; does nothing if tracing is off.</summary>
    public static ISiloBuilder AddTelemetry(this ISiloBuilder silo, TelemetryOptions options) =>
        options.OtlpEndpoint is null ? silo : silo.AddActivityPropagation();

    /// <summary>Serves the metrics to allowed callers; every other caller gets 404.</summary>
    public static void UseTelemetry(this WebApplication app, TelemetryOptions options)
    {
        if (options.Prometheus != "off")
        {
            app.UseOpenTelemetryPrometheusScrapingEndpoint(http =>
                http.Request.Path == ScrapePath && (options.Prometheus == "open" || IsLocal(http))
            );
        }
    }

    private static void AddMetrics(MeterProviderBuilder metrics, TelemetryOptions options)
    {
        metrics.AddMeter(Meters);
        metrics.AddView(RequestDuration, RequestBuckets);
        metrics.AddView("orleans-*-latency", OthersBuckets);
        if (options.Prometheus != "off")
        {
            metrics.AddPrometheusExporter();
        }

        if (options.OtlpEndpoint is not null)
        {
            metrics.AddOtlpExporter(otlp => SendTo(otlp, options, "v1/metrics"));
        }
    }

    private static void AddTraces(TracerProviderBuilder traces, TelemetryOptions options) =>
        traces
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.TraceShare)))
            .AddSource(
                SchedulerTracing.SourceName,
                ActivitySources.ApplicationGrainActivitySourceName,
                ActivitySources.StorageActivitySourceName
            )
            .AddAspNetCoreInstrumentation(instrumentation =>
            {
                instrumentation.Filter = http => http.Request.Path != ScrapePath;
                instrumentation.EnrichWithHttpResponse = (span, response) =>
                    span.SetTag(SchedulerTracing.RequestIdTag, response.HttpContext.TraceIdentifier);
            })
            .AddProcessor(new RequestIdProcessor())
            .AddOtlpExporter(otlp => SendTo(otlp, options, "v1/traces"));

    private static void SendTo(OtlpExporterOptions otlp, TelemetryOptions options, string path)
    {
        var isHttp = options.OtlpProtocol == "http";
        otlp.Protocol = isHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        var endpoint = options.OtlpEndpoint!.TrimEnd('/');
        otlp.Endpoint = new Uri(isHttp ? $"{endpoint}/{path}" : endpoint);
    }

    /// <summary>
    /// A proxy on this machine also calls from loopback; its headers show that the caller is not local.
    /// </summary>
    private static bool IsLocal(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } caller
        && IPAddress.IsLoopback(caller)
        && !http.Request.Headers.ContainsKey("Forwarded")
        && !http.Request.Headers.ContainsKey("X-Forwarded-For");

    /// <summary>Adds the request id, which Orleans propagates between silos, to every span of the request.</summary>
    private sealed class RequestIdProcessor : BaseProcessor<Activity>
    {
        public override void OnStart(Activity data)
        {
            if (RequestContext.Get("x-request-id") is string request)
            {
                data.SetTag(SchedulerTracing.RequestIdTag, request);
            }
        }
    }
}
