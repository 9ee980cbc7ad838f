using System.Diagnostics;
using System.Globalization;
using System.Net;
using Google.Rpc;
using Grpc.Core;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Limits of a real process: a key that sends at full rate slows no other key.</summary>
public sealed class FloodTests(LimitedScheduler limited) : IClassFixture<LimitedScheduler>
{
    private const int PerSecond = LimitedScheduler.PerSecond;
    private const int Burst = LimitedScheduler.Burst;

    private readonly Lock _gate = new();
    private int _passed;
    private int _refused;
    private TimeSpan _longest;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_flood_from_one_key_is_limited_and_does_not_affect_other_keys(string transport)
    {
        var scheduler = limited.Process;
        var operators = ApiClient.Of(transport, scheduler);
        var (loud, quiet) = (
            await AccountAsync(operators, $"acct-loud-{transport}"),
            await AccountAsync(operators, $"acct-quiet-{transport}")
        );
        var flooding = ApiClient.Of(transport, scheduler, loud);
        var began = Stopwatch.GetTimestamp();

        var flood = Parallel.ForAsync(
            0,
            1000,
            new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = Ct },
            async (_, _) => Note(await flooding.GetAccountAsync($"accounts/acct-loud-{transport}"))
        );
        var others = ApiClient.Of(transport, scheduler, quiet);
        for (var i = 0; i < Burst / 2; i++)
        {
            Assert.Equal(
                $"accounts/acct-quiet-{transport}",
                (await others.GetAccountAsync($"accounts/acct-quiet-{transport}")).Ok.Name
            );
            Assert.Equal(
                $"accounts/acct-loud-{transport}",
                (await operators.GetAccountAsync($"accounts/acct-loud-{transport}")).Ok.Name
            );
        }

        await flood;
        var most = Burst + (Stopwatch.GetElapsedTime(began).TotalSeconds * PerSecond) + 1;
        Assert.InRange(_passed, Burst, most);
        Assert.Equal(1000, _passed + _refused);
        await Task.Delay(_longest, Ct);
        Assert.Equal(
            $"accounts/acct-loud-{transport}",
            (await flooding.GetAccountAsync($"accounts/acct-loud-{transport}")).Ok.Name
        );
    }

    [Fact]
    public async Task Gateway_RATE_LIMITED_has_a_sufficient_retry_time_and_long_bodies_name_the_limit()
    {
        var scheduler = limited.Process;
        var api = ApiClient.Of("grpc", scheduler);
        var account = (await api.CreateAccountAsync("acct-a")).Ok.Name;
        using var gateway = new Gateway(scheduler, (await api.CreateKeyAsync(account)).Ok.Token);
        var long_ = await gateway.ChatAsync("any", new string('x', 4096));
        Assert.Equal((413, "BODY_TOO_LARGE"), (long_.Status, long_.Code));
        Assert.Equal("2048", (string?)long_.Json!["error"]!["details"]!["limit_bytes"]);

        var answers = new List<GatewayAnswer>();
        while (answers.Count < 20 && answers.LastOrDefault()?.Status is null or 200)
        {
            answers.Add(await gateway.ModelsAsync());
        }

        var refused = answers[^1];
        Assert.Equal((429, "RATE_LIMITED"), (refused.Status, refused.Code));
        Assert.Equal("3", refused.Headers["RateLimit-Limit"]);
        Assert.Equal("0", refused.Headers["RateLimit-Remaining"]);
        Assert.Contains("RateLimit-Reset", answers[0].Headers.Keys);
        var wait = int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture);
        Assert.InRange(wait, 1, 3);
        await Task.Delay(TimeSpan.FromSeconds(wait), TimeProvider.System, Ct);
        Assert.Equal(200, (await gateway.ModelsAsync()).Status);
    }

    private void Note(Reply<Api.V1.Account> reply)
    {
        if (reply.Value is not null)
        {
            lock (_gate)
            {
                _passed++;
            }

            return;
        }

        Assert.Equal("RATE_LIMITED", reply.Info.Reason);
        Assert.True(reply.Code is null or StatusCode.ResourceExhausted, $"{reply.Code}");
        Assert.True(reply.HttpStatus is null or (int)HttpStatusCode.TooManyRequests, $"{reply.HttpStatus}");
        lock (_gate)
        {
            _refused++;
            var wait = reply.Error!.GetDetail<RetryInfo>()!.RetryDelay.ToTimeSpan();
            _longest = wait > _longest ? wait : _longest;
        }
    }

    private static async Task<string> AccountAsync(ApiClient operators, string id)
    {
        var account = (await operators.CreateAccountAsync(id)).Ok.Name;
        return (await operators.CreateKeyAsync(account)).Ok.Token;
    }
}

public sealed class LimitedScheduler : IAsyncLifetime
{
    internal const int PerSecond = 20;
    internal const int Burst = 40;

    internal SchedulerProcess Process { get; } =
        new(
            null,
            [
                .. SchedulerProcess.ZeroDelay,
                $"--Api:RequestsPerSecondPerKey={PerSecond}",
                $"--Api:RequestBurstPerKey={Burst}",
                "--Inference:RequestsPerSecondPerKey=1",
                "--Inference:RequestBurstPerKey=3",
                "--Inference:MaxBodyBytes=2048",
            ]
        );

    public async ValueTask InitializeAsync() => await Process.StartAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
