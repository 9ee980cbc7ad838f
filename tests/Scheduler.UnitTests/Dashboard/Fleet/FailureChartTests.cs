using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Scheduler.Dashboard.Fleet;
using Scheduler.Domain.Failures;
using Scheduler.Grains.Queries;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Fleet;

public sealed partial class FailureChartTests
{
    private const double Height = 120;
    private const double HighestBar = 114;
    private const double Width = 960;

    private static readonly FailureCode[] Codes = [.. FailureCatalogue.All.Select(definition => definition.Code)];

    [Fact]
    public async Task An_empty_chart_says_that_nothing_failed() =>
        Assert.Contains("Nothing has failed in the last 1 d.", await ChartAsync());

    [Property(MaxTest = 30)]
    public async Task Bars_are_stacked_and_their_heights_are_proportional_to_the_counts(
        byte[] seed,
        byte series,
        byte buckets
    )
    {
        var random = new Random(seed.Sum(one => one) + series);
        var counts = Enumerable
            .Range(0, (series % 8) + 1)
            .Select(_ => Enumerable.Range(0, (buckets % 48) + 1).Select(_ => (long)random.Next(5)).ToArray())
            .ToArray();
        counts[0][random.Next(counts[0].Length)] = 1 + random.Next(1000);
        var html = await ChartAsync(counts);

        var columns = Enumerable.Range(0, counts[0].Length).Select(at => counts.Sum(one => one[at])).ToList();
        var bars = BarsOf(html);
        Assert.Equal(counts.Sum(one => one.Count(count => count > 0)), bars.Count);
        foreach (var column in bars.GroupBy(bar => bar.X))
        {
            // Each bar begins where the bar below it ends; their total height is proportional to the count of the
            // column.
            var at = (int)Math.Round(column.Key / (Width / columns.Count));
            var floor = Height;
            foreach (var bar in column)
            {
                Assert.Equal(floor, bar.Y + bar.High, 0.05);
                floor = bar.Y;
            }

            Assert.Equal((double)columns[at] / columns.Max() * HighestBar, Height - floor, 0.05);
            Assert.InRange(column.Key, 0, Width);
        }

        Assert.Equal(HighestBar, bars.GroupBy(bar => bar.X).Max(column => column.Sum(bar => bar.High)), 0.1);
    }

    [Fact]
    public async Task The_legend_counts_each_code_and_links_to_its_instances()
    {
        var html = await ChartAsync([1, 2, 0], [0, 0, 1200]);
        Assert.Contains($"href=\"/dashboard/instances?code={Codes[0].WireName()}\">3</a>", html);
        Assert.Contains($"href=\"/dashboard/instances?code={Codes[1].WireName()}\">1,200</a>", html);
        Assert.Contains($"3 {Codes[0].WireName()}, 1200 {Codes[1].WireName()}", html);
        Assert.Contains("up to 1,200 in 8 h", html);
    }

    private static Task<string> ChartAsync(params long[][] counts) =>
        Rendered.HtmlAsync<FailureChart>(
            (
                "Overview",
                new FleetOverview
                {
                    At = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero),
                    Window = TimeSpan.FromDays(1),
                    Failures = [.. counts.Select((one, i) => new FailureSeries(Codes[i], [.. one]))],
                }
            )
        );

    private static List<(double X, double Y, double High)> BarsOf(string html) =>
        [.. Bar().Matches(html).Select(match => (Number(match, "x"), Number(match, "y"), Number(match, "height")))];

    private static double Number(Match match, string name) =>
        double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        "<rect class=\"c\\d\" x=\"(?<x>[^\"]+)\" y=\"(?<y>[^\"]+)\" width=\"[^\"]+\" height=\"(?<height>[^\"]+)\"><title>"
    )]
    private static partial Regex Bar();
}
