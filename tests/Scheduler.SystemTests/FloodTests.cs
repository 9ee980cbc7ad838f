using System.Diagnostics;
using System.Net;
using Google.Rpc;
using Grpc.Core;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>One key sends all it can; the door answers everybody else.</summary>
public sealed class FloodTests
{
    private const int PerSecond = 20;
    private const int Burst = 40;

    private readonly Lock _gate = new();
    private int _passed;
    private int _refused;
    private TimeSpan _longest;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_flood_of_one_key_is_held_to_its_rate_and_nobody_else_notices(string transport)
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Providers:Simulated:ServeRuntime=false",
            $"--Api:RequestsPerSecondPerKey={PerSecond}",
            $"--Api:RequestBurstPerKey={Burst}"
        );
        await scheduler.StartAsync(Ct);
        var operators = Door.Of(transport, scheduler);
        var (loud, quiet) = (await AccountAsync(operators, "acct-loud"), await AccountAsync(operators, "acct-quiet"));
        var flooding = Door.Of(transport, scheduler, loud);
        var began = Stopwatch.GetTimestamp();

        var flood = Parallel.ForAsync(
            0,
            1000,
            new ParallelOptions { MaxDegreeOfParallelism = 50, CancellationToken = Ct },
            async (_, _) => Note(await flooding.GetAccountAsync("accounts/acct-loud"))
        );
        var others = Door.Of(transport, scheduler, quiet);
        for (var i = 0; i < Burst / 2; i++)
        {
            Assert.Equal("accounts/acct-quiet", (await others.GetAccountAsync("accounts/acct-quiet")).Ok.Name);
            Assert.Equal("accounts/acct-loud", (await operators.GetAccountAsync("accounts/acct-loud")).Ok.Name);
        }

        await flood;
        var most = Burst + (Stopwatch.GetElapsedTime(began).TotalSeconds * PerSecond) + 1;
        Assert.InRange(_passed, Burst, most);
        Assert.Equal(1000, _passed + _refused);
        await Task.Delay(_longest, Ct);
        Assert.Equal("accounts/acct-loud", (await flooding.GetAccountAsync("accounts/acct-loud")).Ok.Name);
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

    private static async Task<string> AccountAsync(Door operators, string id)
    {
        var account = (await operators.CreateAccountAsync(id)).Ok.Name;
        return (await operators.CreateKeyAsync(account)).Ok.Token;
    }
}
