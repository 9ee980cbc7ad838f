using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;
using Scheduler.Edge;
using Scheduler.Edge.Requests;

namespace Scheduler.Benchmarks;

/// <summary>
/// The cost of keeping an answered request: the first middleware around a handler that does nothing, with and without.
/// The store is not part of it, because no request waits for it.
/// </summary>
public static class RequestLogFigures
{
    /// <summary>Short rounds, so that the best one was not interrupted by other work of the machine.</summary>
    private const int Rounds = 400;
    private const int Requests = 1000;

    public static async Task RunAsync()
    {
        Console.WriteLine("| kept | ns a request | B a request |");
        Console.WriteLine("|---|--:|--:|");
        var without = await MeasureAsync(null, 0);
        Write("nothing", without, without);
        Write("in memory (a success above the sample)", await MeasureAsync("OK", 0), without);
        Write("in memory, in the log and queued for the store", await MeasureAsync("OK", int.MaxValue), without);
        Write("the same, a refusal", await MeasureAsync("RATE_LIMITED", 0), without);
    }

    private static void Write(
        string kept,
        (double Nanoseconds, double Bytes) cost,
        (double Nanoseconds, double Bytes) without
    ) =>
        Console.WriteLine(
            FormattableString.Invariant(
                $"| {kept} | {cost.Nanoseconds:0} (+{cost.Nanoseconds - without.Nanoseconds:0}) | {cost.Bytes:0} (+{cost.Bytes - without.Bytes:0}) |"
            )
        );

    /// <summary>Best of several rounds.</summary>
    /// <param name="code">Null for a path that is not kept.</param>
    private static async Task<(double Nanoseconds, double Bytes)> MeasureAsync(string? code, int successes)
    {
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(new FormattingLog()));
        services.AddMetrics();
        await using var provider = services.BuildServiceProvider();
        var middleware = new RequestScopeMiddleware(
            http =>
            {
                if (code is not null)
                {
                    Note(http, code);
                }

                return Task.CompletedTask;
            },
            null!,
            new RequestLog(
                null!,
                new EdgeMetrics(provider.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), null!),
                new RequestLogLines(provider.GetRequiredService<ILoggerFactory>()),
                Microsoft.Extensions.Options.Options.Create(
                    new RequestLogOptions { SuccessesPerSecond = successes, MostWaiting = 1_000_000 }
                ),
                TimeProvider.System
            ),
            TimeProvider.System,
            provider.GetRequiredService<ILogger<RequestScopeMiddleware>>()
        );
        var best = (Nanoseconds: double.MaxValue, Bytes: double.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < Requests; i++)
            {
                await middleware.InvokeAsync(new DefaultHttpContext());
            }

            var nanoseconds = Stopwatch.GetElapsedTime(began).TotalNanoseconds / Requests;
            var allocated = (GC.GetAllocatedBytesForCurrentThread() - bytes) / (double)Requests;
            best = (Math.Min(best.Nanoseconds, nanoseconds), Math.Min(best.Bytes, allocated));
        }

        return best;
    }

    private static void Note(HttpContext http, string code)
    {
        var notes = http.Scope().Notes;
        notes.Plane = Planes.Inference;
        notes.What = "POST /v1/chat/completions";
        notes.Code = code == AnsweredRequest.Ok ? null : code;
        notes.ServingName = "chat";
        notes.Account = new AccountId("acct-a");
        notes.Queued = notes.FirstByte = notes.LastByte = TimeSpan.FromMilliseconds(1);
        (notes.PromptTokens, notes.CompletionTokens) = (12, 34);
        notes.Tried(
            new RequestAttempt(
                new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
                "chat",
                code,
                200,
                TimeSpan.FromMilliseconds(1)
            )
        );
    }

    /// <summary>Formats every line, as a sink does, and drops it.</summary>
    private sealed class FormattingLog : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => formatter(state, exception);

        public void Dispose() { }
    }
}
