using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Host;
using Scheduler.Host.Load;
using Scheduler.TestKit;
using Scheduler.UnitTests.Inference;
using Xunit;

namespace Scheduler.UnitTests.Host.Load;

/// <summary>The load command against the real gateway.</summary>
public sealed class LoadCommandTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_prints_rates_latencies_tokens_and_errors_by_code()
    {
        var requests = 0;
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                if (Interlocked.Increment(ref requests) == 1)
                {
                    http.Response.StatusCode = StatusCodes.Status500InternalServerError;
                    return;
                }

                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync(
                    "data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n",
                    Ct
                );
            }
        );
        var (isAnswered, text) = await RunAsync(gateway, "chat", () => Volatile.Read(ref requests) > 10);
        Assert.True(isAnswered);
        var lines = text.Split('\n');

        Assert.Contains(
            lines,
            line => line.Contains(" answered, 1 errors, 0 unfinished in 1.0 s", StringComparison.Ordinal)
        );
        Assert.Contains(lines, line => line.StartsWith("latency     p50 ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("first token p50 ", StringComparison.Ordinal));
        Assert.Contains("error       RUNTIME_ERROR 1", lines);
        var answered = Figure(lines, "requests", 1);
        Assert.True(answered > 1);
        Assert.Equal(answered * 5, Figure(lines, "tokens", 1));
    }

    [Fact]
    public async Task It_fails_when_nothing_is_answered()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (isAnswered, text) = await RunAsync(
            gateway,
            "unknown",
            () => gateway.Cluster.Calls.Any(call => call.EndsWith("/unknown", StringComparison.Ordinal))
        );
        Assert.False(isAnswered);
        Assert.Contains("MODEL_NOT_FOUND", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("load needs --key KEY, or the variable SCHEDULER_KEY.", "--model", "m")]
    [InlineData("load needs --model NAME.", "--key", "k")]
    [InlineData("'--modell' is not understood, or has no value.", "--modell", "m")]
    [InlineData("'--model' is not understood, or has no value.", "--model")]
    [InlineData("--concurrency is '0'; accepted is 1 to 1024.", "--key", "k", "--model", "m", "--concurrency", "0")]
    [InlineData(
        "--duration is '2h'; accepted is 1s to 1h, for example 90s or 5m.",
        "--key",
        "k",
        "--model",
        "m",
        "--duration",
        "2h"
    )]
    [InlineData(
        "--url is 'ftp://x'; accepted is an address with http or https.",
        "--key",
        "k",
        "--model",
        "m",
        "--url",
        "ftp://x"
    )]
    [InlineData("--max-tokens is '-1'; accepted is 1 to 100000.", "--key", "k", "--model", "m", "--max-tokens", "-1")]
    public void A_wrong_argument_is_refused_with_what_is_accepted(string expected, params string[] arguments)
    {
        Assert.False(CommandLine.TryParse(["load", .. arguments], out _, out var fault));
        Assert.Equal(expected, fault);
    }

    [Fact]
    public void Durations_have_a_unit()
    {
        Assert.True(
            CommandLine.TryParse(["load", "--key", "k", "--model", "m", "--duration", "2m"], out var line, out _)
        );
        Assert.Equal(TimeSpan.FromMinutes(2), line.Load!.Duration);
        Assert.Equal(8, line.Load.Concurrency);
    }

    /// <summary>Runs the command for one second, which ends when enough has happened, however slow the machine is.</summary>
    private static async Task<(bool IsAnswered, string Output)> RunAsync(
        GatewayFixture gateway,
        string model,
        Func<bool> isEnough
    )
    {
        var (clock, output) = (new FakeTimeProvider(), new StringWriter(CultureInfo.InvariantCulture));
        var options = new LoadOptions(
            gateway.Http.BaseAddress!,
            gateway.Key,
            model,
            2,
            TimeSpan.FromSeconds(1),
            16,
            "Count."
        );
        var run = LoadCommand.RunAsync(options, output, clock, Ct);
        await Eventually.TrueAsync(isEnough, "requests were sent");
        clock.Advance(options.Duration);
        return (await run, output.ToString());
    }

    private static long Figure(string[] lines, string row, int word) =>
        long.Parse(
            lines
                .Single(line => line.StartsWith(row, StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[word],
            NumberStyles.AllowThousands,
            CultureInfo.InvariantCulture
        );
}
