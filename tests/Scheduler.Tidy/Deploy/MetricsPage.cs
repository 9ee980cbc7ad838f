using System.Text.RegularExpressions;

namespace Scheduler.Tidy.Deploy;

/// <summary>The table of <c>deploy/metrics.md</c>.</summary>
internal static partial class MetricsPage
{
    public static IReadOnlyList<Metric> Metrics { get; } =
    [
        .. Row()
            .Matches(File.ReadAllText(Repo.Path("deploy", "metrics.md")))
            .Select(row => new Metric(
                row.Groups["name"].Value,
                row.Groups["prometheus"].Value,
                row.Groups["kind"].Value,
                row.Groups["unit"].Value,
                [.. Quoted().Matches(row.Groups["labels"].Value).Select(label => label.Groups[1].Value)]
            )),
    ];

    /// <summary>Metric families of other libraries that are exported and may be queried.</summary>
    private static readonly string[] Theirs = ["http_server_", "kestrel_", "orleans_", "dotnet_"];

    /// <summary>Whether a name in an expression is a documented metric; a histogram has three names.</summary>
    public static bool Knows(string name) =>
        name == "up"
        || Theirs.Any(family => name.StartsWith(family, StringComparison.Ordinal))
        || Metrics.Any(metric =>
            metric.Kind == "histogram"
                ? name.StartsWith(metric.Prometheus, StringComparison.Ordinal)
                    && name[metric.Prometheus.Length..] is "_bucket" or "_sum" or "_count"
                : name == metric.Prometheus
        );

    /// <summary>The metrics in an expression.</summary>
    public static IEnumerable<string> NamesIn(string expression) =>
        Name()
            .Matches(Strings().Replace(expression, "\"\""))
            .Select(match => match.Value)
            .Where(name => name == "up" || name.Contains('_', StringComparison.Ordinal))
            .Where(name => !Words.Contains(name))
            .Distinct();

    /// <summary>Functions and labels that look like metric names.</summary>
    private static readonly HashSet<string> Words =
    [
        "histogram_quantile",
        "max_over_time",
        "group_left",
        "clamp_min",
        "clamp_max",
        "label_values",
        "http_route",
        "http_response_status_code",
        "scheduler_reason",
        "grain_type",
        "__rate_interval",
    ];

    [GeneratedRegex(
        @"^\| `(?<name>scheduler\.[a-z._]+)` \| `(?<prometheus>[a-z_]+)` \| (?<kind>\w+) \| (`(?<unit>[^`]+)` )?\| (?<labels>[^|]*)\| (silo|fleet|gateway) \| ",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Row();

    [GeneratedRegex("`([a-z]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Strings();

    [GeneratedRegex("[a-z_][a-z0-9_]*")]
    private static partial Regex Name();
}

internal sealed record Metric(string Name, string Prometheus, string Kind, string Unit, string[] Labels);
