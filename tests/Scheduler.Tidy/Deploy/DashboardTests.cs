using System.Text.Json;
using Xunit;

namespace Scheduler.Tidy.Deploy;

public sealed class DashboardTests
{
    [Fact]
    public async Task Every_panel_queries_documented_metrics_in_valid_PromQL()
    {
        using var dashboard = JsonDocument.Parse(
            await File.ReadAllBytesAsync(
                Repo.Path("deploy", "grafana", "scheduler.json"),
                TestContext.Current.CancellationToken
            )
        );
        var panels = dashboard
            .RootElement.GetProperty("panels")
            .EnumerateArray()
            .Where(panel => panel.GetProperty("type").GetString() != "row")
            .ToList();
        Assert.NotEmpty(panels);
        Assert.All(panels, panel => Assert.NotEqual(0, panel.GetProperty("targets").GetArrayLength()));
        var expressions = panels
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target =>
                target.GetProperty("expr").GetString()!.Replace("$__rate_interval", "5m", StringComparison.Ordinal)
            )
            .ToList();
        Assert.All(
            expressions.SelectMany(MetricsPage.NamesIn),
            name => Assert.True(MetricsPage.Knows(name), $"A panel queries the unknown metric {name}.")
        );
        await PromTool.AssertReadableAsync(expressions);
    }

    [Fact]
    public void Every_actionable_metric_is_on_the_dashboard_or_in_an_alert()
    {
        var asked =
            File.ReadAllText(Repo.Path("deploy", "grafana", "scheduler.json"))
            + File.ReadAllText(Repo.Path("deploy", "prometheus", "alerts.yaml"));
        string[] forRunbooks =
        [
            "scheduler_launch_check_duration_seconds",
            "scheduler_provider_cooling",
            "scheduler_catalogue_offers",
            "scheduler_holds_total",
            "scheduler_holds_amount_total",
            "scheduler_account_batch",
            "scheduler_storage_commits_total",
            "scheduler_agenda_due",
        ];
        Assert.All(
            MetricsPage.Metrics.Select(metric => metric.Prometheus).Except(forRunbooks),
            name => Assert.Contains(name, asked, StringComparison.Ordinal)
        );
    }
}
