using System.Net;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>What a process tells of itself, seen from outside.</summary>
public sealed class TelemetryTests
{
    private static readonly string[] Quick = [.. SchedulerProcess.ZeroDelay, "--Providers:Simulated:Vendors:0=lambda"];
    private static readonly HttpClient Client = new();

    [Fact]
    public async Task A_launch_raises_the_counters_of_metrics_and_no_label_names_anybody_INV_13()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(null, Quick);
        await scheduler.StartAsync(ct);
        var fresh = await Scrape.ReadAsync(scheduler, ct);
        Assert.Equal(0, fresh.Sum("scheduler_launches_total"));
        Assert.Contains(fresh.Samples, sample => sample.Name == "scheduler_sweep_findings_total" && sample.Value == 0);

        var operators = Door.Of("http", scheduler);
        var account = (await operators.CreateAccountAsync("acct-seen")).Ok.Name;
        _ = (await operators.TopUpAsync(account, 100_000_000, "payment-seen")).Ok;
        var key = (await operators.CreateKeyAsync(account)).Ok;
        var tenant = Door.Of("grpc", scheduler, key.Token);
        var good = (await tenant.CreateInstanceAsync(account, "serving-seen", Troubles.On(Troubles.Small))).Ok;
        var start = await tenant.StartAsync(good.Name);
        await tenant.UntilAsync(good.Name, instance => instance.State == InstanceState.Running);
        var poor = (await tenant.CreateInstanceAsync(account, "unknown-seen", Troubles.On("no/model"))).Ok;
        Assert.NotNull((await tenant.StartAsync(poor.Name)).Error);
        Assert.NotNull((await Door.Of("http", scheduler, "sk-nonsense").GetAccountAsync(account)).Error);

        var seen = await UntilAsync(scheduler, s => s.Sum("scheduler_instances", ("state", "running")) == 1, ct);
        Assert.Equal(1, seen.Sum("scheduler_launches_total", ("outcome", "running"), ("provider", "sim-lambda")));
        Assert.Equal(1, seen.Sum("scheduler_launches_total", ("outcome", "failed"), ("code", "MODEL_NOT_FOUND")));
        Assert.Equal(1, seen.Sum("scheduler_launch_duration_seconds_count"));
        Assert.Equal(1, seen.Sum("scheduler_keys_refused_total", ("code", "AUTH_INVALID_TOKEN")));
        Assert.Equal(1, seen.Sum("scheduler_cluster_silos"));
        Assert.True(seen.Sum("scheduler_burn") > 0);
        Assert.True(
            seen.Sum("scheduler_storage_duration_seconds_count", ("operation", "write"), ("outcome", "ok")) > 5
        );
        Assert.True(
            seen.Sum("http_server_request_duration_seconds_count", ("scheduler_reason", "MODEL_NOT_FOUND")) >= 1
        );
        Assert.Contains(seen.Samples, sample => sample.Name.StartsWith("orleans_", StringComparison.Ordinal));
        Assert.Contains(seen.Samples, sample => sample.Name.StartsWith("dotnet_", StringComparison.Ordinal));

        string[] names =
        [
            "acct-seen",
            "-seen",
            good.Name.Split('/')[^1],
            poor.Name.Split('/')[^1],
            start.RequestId,
            key.Key.Name,
            key.Token[^43..],
            "req-",
        ];
        Assert.All(names, name => Assert.DoesNotContain(name, seen.Text, StringComparison.Ordinal));
        AssertLabelsAreWrittenDown(seen);
    }

    [Fact]
    public async Task Only_callers_of_this_machine_may_scrape_unless_the_port_is_declared_open()
    {
        var ct = TestContext.Current.CancellationToken;
        await using (var shy = new SchedulerProcess(null, Quick))
        {
            await shy.StartAsync(ct);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(shy, null, ct));
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(shy, "203.0.113.9", ct));
        }

        await using (var open = new SchedulerProcess(null, [.. Quick, "--Host:Telemetry:Prometheus=open"]))
        {
            await open.StartAsync(ct);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(open, "203.0.113.9", ct));
        }

        await using var off = new SchedulerProcess(null, [.. Quick, "--Host:Telemetry:Prometheus=off"]);
        await off.StartAsync(ct);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(off, null, ct));
    }

    [Fact]
    public async Task Wrong_settings_are_named()
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Host:Telemetry:Prometheus=maybe",
            "--Host:Telemetry:OtlpEndpoint=nowhere",
            "--Host:Telemetry:TraceShare=2"
        );
        var (exitCode, output) = await scheduler.RunToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2, exitCode);
        Assert.Contains(
            "Host:Telemetry:Prometheus is 'maybe'; accepted: off, loopback, open",
            output,
            StringComparison.Ordinal
        );
        Assert.Contains("Host:Telemetry:OtlpEndpoint is 'nowhere'", output, StringComparison.Ordinal);
        Assert.Contains("Host:Telemetry:TraceShare is '2'", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trace_goes_from_the_door_through_the_grains_to_the_provider_under_the_request_id()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var receiver = await TraceReceiver.StartAsync(ct);
        await using var scheduler = new SchedulerProcess(
            null,
            [.. Quick, $"--Host:Telemetry:OtlpEndpoint={receiver.Address}", "--Host:Telemetry:OtlpProtocol=http"]
        );
        await scheduler.StartAsync(ct);
        var door = Door.Of("http", scheduler);
        var account = (await door.CreateAccountAsync("acct-traced")).Ok.Name;
        _ = (await door.TopUpAsync(account, 100_000_000, "payment")).Ok;
        var created = (await door.CreateInstanceAsync(account, "traced", Troubles.On(Troubles.Small))).Ok;
        var start = await door.StartAsync(created.Name);
        await door.UntilAsync(created.Name, instance => instance.State == InstanceState.Running);
        // What waits to be sent is sent at a stop.
        await scheduler.StopAsync(ct);

        var launch = receiver.Spans.Where(span => span.RequestId == start.RequestId).ToList();
        var trace = Assert.Single(launch.Select(span => span.TraceId).Distinct());
        var names = launch.Select(span => span.Name).ToList();
        Assert.Contains(names, name => name.StartsWith("POST ", StringComparison.Ordinal));
        Assert.Contains(names, name => name.Contains("IInstanceGrain/Start", StringComparison.Ordinal));
        Assert.Contains(names, name => name.Contains("IAccountGrain/TakeHold", StringComparison.Ordinal));
        Assert.Contains("launch.check", names);
        Assert.Contains("provider.allocate", names);

        // Every span hangs on another of the trace, up to the door's.
        var all = receiver.Spans.Where(span => span.TraceId == trace).ToList();
        var root = Assert.Single(all, span => span.ParentId.Length == 0);
        Assert.StartsWith("POST ", root.Name, StringComparison.Ordinal);
        Assert.All(
            launch.Where(span => span != root),
            span => Assert.Contains(all, parent => parent.SpanId == span.ParentId)
        );
    }

    /// <summary>A label that is not on the page is a label nobody thought about.</summary>
    private static void AssertLabelsAreWrittenDown(Scrape seen)
    {
        var page = File.ReadAllLines(Programs.Repository("deploy", "metrics.md"));
        foreach (var sample in seen.Samples.Where(s => s.Name.StartsWith("scheduler_", StringComparison.Ordinal)))
        {
            var row = Assert.Single(
                page,
                line => line.Split('|') is [_, _, var name, ..] && IsOf(sample.Name, name.Trim(' ', '`'))
            );
            var labels = row.Split('|')[5]
                .Split('`', StringSplitOptions.RemoveEmptyEntries)
                .Select(label => label.Trim());
            Assert.Empty(sample.Labels.Keys.Except(labels).Except(["otel_scope_name", "le"]));
        }
    }

    private static bool IsOf(string sample, string metric) =>
        sample == metric || sample == $"{metric}_bucket" || sample == $"{metric}_sum" || sample == $"{metric}_count";

    private static async Task<Scrape> UntilAsync(
        SchedulerProcess scheduler,
        Func<Scrape, bool> isSo,
        CancellationToken ct
    )
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var seen = await Scrape.ReadAsync(scheduler, ct);
            if (isSo(seen))
            {
                return seen;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(40), seen.Text);
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, ct);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(SchedulerProcess scheduler, string? via, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(scheduler.Http, "metrics"));
        if (via is not null)
        {
            request.Headers.Add("X-Forwarded-For", via);
        }

        using var answer = await Client.SendAsync(request, ct);
        return answer.StatusCode;
    }
}
