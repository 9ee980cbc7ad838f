using System.Net;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

[Collection(ObservedGroup.Name)]
public sealed class TelemetryTests(ObservedScheduler observed)
{
    [Fact]
    public void A_launch_increments_the_counters_and_no_label_contains_a_name_INV_13()
    {
        Assert.Equal(0, observed.Fresh.Sum("scheduler_launches_total"));
        Assert.Contains(observed.Fresh.Samples, s => s.Name == "scheduler_sweep_findings_total" && s.Value == 0);

        var seen = observed.Running;
        Assert.Equal(1, seen.Sum("scheduler_launches_total", ("outcome", "running"), ("provider", "sim-lambda")));
        Assert.Equal(1, seen.Sum("scheduler_launches_total", ("outcome", "failed"), ("code", "SMART_NO_MATCH")));
        Assert.Equal(1, seen.Sum("scheduler_launch_duration_seconds_count"));
        Assert.Equal(1, seen.Sum("scheduler_keys_refused_total", ("code", "AUTH_INVALID_TOKEN")));
        Assert.Equal(1, seen.Sum("scheduler_cluster_silos"));
        Assert.True(seen.Sum("scheduler_burn") > 0);
        Assert.True(
            seen.Sum("scheduler_storage_duration_seconds_count", ("operation", "write"), ("outcome", "ok")) > 5
        );
        Assert.True(
            seen.Sum("http_server_request_duration_seconds_count", ("scheduler_reason", "SMART_NO_MATCH")) >= 1
        );
        Assert.Contains(seen.Samples, sample => sample.Name.StartsWith("orleans_", StringComparison.Ordinal));
        Assert.Contains(seen.Samples, sample => sample.Name.StartsWith("dotnet_", StringComparison.Ordinal));

        string[] names =
        [
            "acct-seen",
            "-seen",
            observed.Launched.Name.Split('/')[^1],
            observed.Refused.Name.Split('/')[^1],
            observed.Requests.Start,
            observed.Key.Key.Name,
            observed.Key.Token[^43..],
            "req-",
        ];
        Assert.All(names, name => Assert.DoesNotContain(name, seen.Text, StringComparison.Ordinal));
        AssertLabelsAreDocumented(seen);
    }

    [Fact]
    public void A_scrape_through_a_proxy_counts_as_remote_and_gets_nothing() =>
        Assert.Equal((int)HttpStatusCode.NotFound, observed.ProxiedScrapeStatus);

    [Theory(Explicit = true)]
    [InlineData("open", HttpStatusCode.OK)]
    [InlineData("off", HttpStatusCode.NotFound)]
    public async Task The_metrics_endpoint_can_be_opened_to_the_network_or_turned_off(
        string setting,
        HttpStatusCode expected
    )
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(
            null,
            [.. SchedulerProcess.ZeroDelay, $"--Host:Telemetry:Prometheus={setting}"]
        );
        await scheduler.StartAsync(ct);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(scheduler.Http, "metrics"));
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        using var answer = await client.SendAsync(request, ct);

        Assert.Equal(expected, answer.StatusCode);
    }

    [Fact]
    public void A_trace_links_API_grains_and_provider_under_the_request_id()
    {
        // A grain reads its state before its first call, in a trace of its own.
        var launch = observed
            .Spans.Where(span => span.RequestId == observed.Requests.Start && span.Name != "read storage")
            .ToList();
        var trace = Assert.Single(launch.Select(span => span.TraceId).Distinct());
        var names = launch.Select(span => span.Name).ToList();
        Assert.Contains(names, name => name.StartsWith("POST ", StringComparison.Ordinal));
        Assert.Contains(names, name => name.Contains("IInstanceGrain/Start", StringComparison.Ordinal));
        Assert.Contains(names, name => name.Contains("IAccountGrain/TakeHold", StringComparison.Ordinal));
        Assert.Contains("launch.check", names);
        Assert.Contains("provider.allocate", names);

        // Every span has a parent in its trace; the root is the HTTP call.
        var all = observed.Spans.Where(span => span.TraceId == trace).ToList();
        var root = Assert.Single(all, span => span.ParentId.Length == 0);
        Assert.StartsWith("POST ", root.Name, StringComparison.Ordinal);
        Assert.All(
            launch.Where(span => span != root),
            span => Assert.Contains(all, parent => parent.SpanId == span.ParentId)
        );
    }

    /// <summary>Every label of the scheduler's metrics is listed in deploy/metrics.md.</summary>
    private static void AssertLabelsAreDocumented(Scrape seen)
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
}
