using System.Globalization;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;

namespace Scheduler.Host;

/// <summary>Serilog: readable lines for people, or one JSON object a line for machines. The request id is on every line that has one.</summary>
internal static class HostLogging
{
    private const string Template = "{Timestamp:HH:mm:ss.fff} {Level:u3} {Message:lj} {RequestId}{NewLine}{Exception}";

    private const int LinesBuffered = 10_000;

    /// <summary>Sends all logs through Serilog.</summary>
    public static void Add(IHostApplicationBuilder builder, HostOptions options, bool isQuiet)
    {
        var logger = new LoggerConfiguration()
            .MinimumLevel.Is(isQuiet ? LogEventLevel.Warning : LogEventLevel.Information)
            // Silo start, placement and every request would drown what happens to instances.
            .MinimumLevel.Override("Orleans", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("Microsoft.Hosting.Lifetime", LogEventLevel.Warning)
            // It has nothing to say at these levels, but would make a scope and a span for every request.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
            .MinimumLevel.Override("Grpc", LogEventLevel.Warning)
            .MinimumLevel.Override("Polly", LogEventLevel.Warning)
            // What came of a request is in its answer; every request to a runtime that is gone would be a warning with a stack.
            .MinimumLevel.Override("Yarp", LogEventLevel.Error)
            // That the keys of sessions lie in a folder unsealed is known: the folder is its owner's alone.
            .MinimumLevel.Override("Microsoft.AspNetCore.DataProtection", LogEventLevel.Error)
            // It says the same every second; the health board tells of changes.
            .MinimumLevel.Override("Microsoft.Extensions.Diagnostics.HealthChecks", LogEventLevel.Fatal)
            // A known false alarm: it takes the machine's uptime for the age of its own thread.
            .MinimumLevel.Override("Orleans.Runtime.Watchdog", LogEventLevel.Error)
            .Enrich.FromLogContext();
        // Beside the turns of the grains: the console takes one line at a time. When its reader is slow, lines wait rather than get lost.
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
}
