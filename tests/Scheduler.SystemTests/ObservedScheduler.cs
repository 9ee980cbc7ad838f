using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// One scheduler process runs a scenario and stops: a successful launch, a refused launch, a wrong key, a stop and a
/// revoked key. The tests of metrics, traces and logs read what it left.
/// </summary>
public sealed class ObservedScheduler : IAsyncLifetime
{
    internal const string Correlation = "ticket-4711";

    private TraceReceiver _receiver = null!;

    internal SchedulerProcess Process { get; private set; } = null!;

    /// <summary>Metrics before the first call.</summary>
    internal Scrape Fresh { get; private set; } = null!;

    /// <summary>Metrics while the launched instance runs.</summary>
    internal Scrape Running { get; private set; } = null!;

    /// <summary>HTTP status of a scrape that a proxy on this host forwards for a remote caller.</summary>
    internal int ProxiedScrapeStatus { get; private set; }

    internal IReadOnlyCollection<TraceReceiver.Span> Spans => _receiver.Spans;

    internal CreateKeyResponse Key { get; private set; } = null!;

    /// <summary>Differs from <see cref="Key"/> in its last character.</summary>
    internal string WrongToken { get; private set; } = "";

    internal Instance Launched { get; private set; } = null!;

    internal Instance Refused { get; private set; } = null!;

    /// <summary>Request ids of the successful start, the refused start and the stop.</summary>
    internal (string Start, string RefusedStart, string Stop) Requests { get; private set; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _receiver = await TraceReceiver.StartAsync(Ct);
        Process = new SchedulerProcess(
            null,
            [
                .. SchedulerProcess.ZeroDelay,
                "--Providers:Simulated:Vendors:0=lambda",
                $"--Host:Telemetry:OtlpEndpoint={_receiver.Address}",
                "--Host:Telemetry:OtlpProtocol=http",
            ]
        );
        await Process.StartAsync(Ct);
        Fresh = await Scrape.ReadAsync(Process, Ct);
        var operators = ApiClient.Of("http", Process);
        var account = (await operators.CreateAccountAsync("acct-seen")).Ok.Name;
        _ = (await operators.TopUpAsync(account, 100_000_000, "payment-seen")).Ok;
        Key = (await operators.CreateKeyAsync(account)).Ok;
        WrongToken = Key.Token[..^1] + (Key.Token[^1] == 'a' ? 'b' : 'a');
        Assert.NotNull((await ApiClient.Of("grpc", Process, WrongToken).GetAccountAsync(account)).Error);
        await LaunchAndStopAsync(ApiClient.Of("http", Process, Key.Token), account);
        _ = (await operators.RevokeKeyAsync(Key.Key.Name)).Ok;
        // Buffered spans are sent when the process stops.
        Assert.Equal(0, await Process.StopAsync(Ct));
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    private async Task LaunchAndStopAsync(ApiClient tenant, string account)
    {
        Launched = (await tenant.CreateInstanceAsync(account, "serving-seen", Troubles.On(Troubles.Small))).Ok;
        var start = await StartWithCorrelationAsync(Launched.Name);
        await tenant.UntilAsync(Launched.Name, instance => instance.State == InstanceState.Running);
        Refused = (
            await tenant.CreateInstanceAsync(account, "dear-seen", Troubles.AtMost(Troubles.On(Troubles.Small), 1))
        ).Ok;
        var refusal = await tenant.StartAsync(Refused.Name);
        Assert.NotNull(refusal.Error);
        Running = await Eventually.UntilAsync(
            () => Scrape.ReadAsync(Process, Ct),
            seen => seen.Sum("scheduler_instances", ("state", "running")) == 1,
            "the fleet's gauges show the running instance"
        );
        ProxiedScrapeStatus = await ScrapeThroughProxyAsync();
        var stop = await tenant.StopAsync(Launched.Name);
        await tenant.UntilAsync(Launched.Name, instance => instance.State == InstanceState.Stopped);
        Requests = (start, refusal.RequestId, stop.RequestId);
    }

    private async Task<string> StartWithCorrelationAsync(string instance)
    {
        using var call = new Instances.InstancesClient(Process.Channel).StartInstanceAsync(
            new StartInstanceRequest { Name = instance },
            new Metadata { { "authorization", $"Bearer {Key.Token}" }, { "x-request-id", Correlation } },
            cancellationToken: Ct
        );
        await call;
        var headers = await call.ResponseHeadersAsync;
        Assert.Equal(Correlation, headers.GetValue("x-correlation-id"));
        return headers.GetValue("x-request-id")!;
    }

    private async Task<int> ScrapeThroughProxyAsync()
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Process.Http, "metrics"));
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        using var answer = await client.SendAsync(request, Ct);
        return (int)answer.StatusCode;
    }
}

[CollectionDefinition(Name)]
public sealed class ObservedGroup : ICollectionFixture<ObservedScheduler>
{
    public const string Name = "observed";
}
