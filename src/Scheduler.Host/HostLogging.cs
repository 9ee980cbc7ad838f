using System.Globalization;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace Scheduler.Host;

/// <summary>
/// Configures Serilog: text lines for people, or one JSON object per line for machines. Lines of a request contain its
/// request id.
/// </summary>
internal static class HostLogging
{
    private const string Template = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj} {RequestId}{NewLine}{Exception}";

    private const string Host = "Microsoft.Extensions.Hosting.Internal.Host";

    private const int LinesBuffered = 10_000;

    public static void Add(IHostApplicationBuilder builder, HostOptions options, bool isQuiet)
    {
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(isQuiet ? LogEventLevel.Warning : LogEventLevel.Information)
            // Messages about silo start, placement and every request would hide the events of instances.
            .MinimumLevel.Override("Orleans", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", LogEventLevel.Warning)
            // It logs nothing at these levels, but would create a scope and a span for every request.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
            .MinimumLevel.Override("Grpc", LogEventLevel.Warning)
            // It logs only what never reached a method: malformed messages, with a stack trace. The response tells the
            // caller, and an error of a method is logged where it is caught.
            .MinimumLevel.Override("Grpc.AspNetCore.Server.ServerCallHandler", LogEventLevel.Fatal)
            // It logs every attempt that it repeats, with a stack trace. The last failure is an error of its caller.
            .MinimumLevel.Override("Polly", LogEventLevel.Error)
            // Four lines for every probe of a runtime.
            .MinimumLevel.Override("System.Net.Http", LogEventLevel.Warning)
            // What was refused is shown also where the log is quiet.
            .MinimumLevel.Override("Scheduler.Requests.Refused", LogEventLevel.Information)
            // It warns that session keys are stored unencrypted. That is intended: only the owner can read the folder.
            .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
            // It repeats the same message every second; HealthBoard logs changes.
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)
            // A known false alarm: it confuses the uptime of the machine with the age of its own thread.
            .MinimumLevel.Override("Orleans.Runtime.Watchdog", LogEventLevel.Error)
            .Filter.ByExcluding(IsStopDuringStart)
            .Filter.ByExcluding(IsStartFault)
            .Filter.ByExcluding(IsCallDuringStop)
            .Enrich.FromLogContext()
            .Enrich.With<RequestLogIds>();
        // Asynchronous, because the console writes one line at a time and must not block grain turns. If its reader is
        // slow, lines are queued, not lost.
        logger = logger.WriteTo.Async(
            sink =>
                _ =
                    options.Log == "json"
                        ? sink.Console(new RenderedCompactJsonFormatter())
                        : sink.Console(outputTemplate: Template, formatProvider: CultureInfo.InvariantCulture),
            bufferSize: LinesBuffered,
            blockWhenFull: true
        );
        builder.Logging.ClearProviders();
        builder.Services.AddSerilog(logger.CreateLogger(), dispose: true);
    }

    /// <summary>The host logs a start that a stop request ended as an error, with a stack trace.</summary>
    private static bool IsStopDuringStart(LogEvent line) =>
        line.Exception is OperationCanceledException && SourceOf(line) == Host;

    /// <summary>Host and Orleans log it with a stack trace; <see cref="StartFault"/> ends the output in clear words.</summary>
    private static bool IsStartFault(LogEvent line) =>
        line.Exception is { } exception
        && StartFault.Of(exception) is not null
        && SourceOf(line) is { } source
        && (source == Host || source.StartsWith("Orleans.Hosting", StringComparison.Ordinal));

    /// <summary>
    /// A silo that stops places no more calls. Orleans logs each such call as an error with a stack trace, and gives its
    /// caller the same exception.
    /// </summary>
    internal static bool IsCallDuringStop(LogEvent line) =>
        SourceOf(line) == "Orleans.Messaging"
        && line.Exception is SiloUnavailableException exception
        && exception.Message.EndsWith("is shutting down.", StringComparison.Ordinal);

    private static string? SourceOf(LogEvent line) =>
        line.Properties.TryGetValue("SourceContext", out var source) ? (source as ScalarValue)?.Value as string : null;
}
