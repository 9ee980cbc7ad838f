using Xunit;
using YamlDotNet.RepresentationModel;

namespace Scheduler.Tidy.Deploy;

public sealed class AlertTests
{
    private static readonly string Rules = Repo.Path("deploy", "prometheus", "alerts.yaml");

    [Fact]
    public async Task Alert_rules_are_well_formed_and_pass_their_tests()
    {
        await PromTool.RunAsync("check", "rules", Rules);
        var output = await PromTool.RunAsync("test", "rules", Repo.Path("deploy", "prometheus", "alerts.test.yaml"));
        Assert.Contains("SUCCESS", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_alert_has_a_test_a_runbook_and_existing_metrics()
    {
        var tried = File.ReadAllText(Repo.Path("deploy", "prometheus", "alerts.test.yaml"));
        Assert.All(
            Alerts(),
            alert =>
            {
                Assert.Contains($"alertname: {alert.Name}\n        exp_alerts:\n", tried, StringComparison.Ordinal);
                Assert.Equal($"deploy/runbooks/alerts/{alert.Name}.md", alert.Runbook);
                Assert.True(File.Exists(Repo.Path(alert.Runbook)), $"{alert.Runbook} does not exist.");
                Assert.All(
                    MetricsPage.NamesIn(alert.Expression),
                    name => Assert.True(MetricsPage.Knows(name), $"{alert.Name} queries the unknown metric {name}.")
                );
                Assert.NotEmpty(MetricsPage.NamesIn(alert.Expression));
            }
        );
    }

    [Fact]
    public void Every_alert_runbook_belongs_to_an_alert()
    {
        var pages = Directory
            .EnumerateFiles(Repo.Path("deploy", "runbooks", "alerts"))
            .Select(Path.GetFileNameWithoutExtension)
            .Order(StringComparer.Ordinal);
        Assert.Equal(Alerts().Select(alert => alert.Name).Order(StringComparer.Ordinal), pages);
    }

    private static List<Alert> Alerts()
    {
        var yaml = new YamlStream();
        using var reader = new StreamReader(Rules);
        yaml.Load(reader);
        return
        [
            .. ((YamlSequenceNode)yaml.Documents[0].RootNode["groups"])
                .SelectMany(group => (YamlSequenceNode)group["rules"])
                .Select(rule => new Alert($"{rule["alert"]}", $"{rule["expr"]}", $"{rule["annotations"]["runbook"]}")),
        ];
    }

    private sealed record Alert(string Name, string Expression, string Runbook);
}
