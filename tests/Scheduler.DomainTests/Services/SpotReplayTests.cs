using System.Collections.Immutable;
using Scheduler.TestKit.Spot;
using Xunit;

namespace Scheduler.DomainTests.Services;

public sealed class SpotReplayTests(ITestOutputHelper output)
{
    private static readonly TimeSpan CoolDown = TimeSpan.FromMinutes(30);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_generated_trace_has_the_wanted_statistics(int seed)
    {
        var trace = SpotTraceGenerator.Generate(seed);

        Assert.Equal((9, 45 * 86_400 / 195), (trace.Zones, trace.Ticks));
        var zones = Enumerable.Range(0, trace.Zones).Select(trace.Availability).Order().ToList();
        Assert.Equal(0.17, zones[0], 0.005);
        Assert.Equal(0.91, zones[^1], 0.005);
        Assert.Equal(0.992, trace.ShareOf(1), SpotTraceGenerator.Tolerance);
        Assert.Equal(0.977, trace.ShareOf(2), SpotTraceGenerator.Tolerance);
        Assert.InRange(trace.MeanStay().TotalHours, 3, 24);
        var pairs = Enumerable.Range(0, 9).SelectMany(a => Enumerable.Range(a + 1, 8 - a).Select(b => (a, b))).ToList();
        var near = pairs.Where(pair => pair.a / 3 == pair.b / 3).Average(pair => trace.Correlation(pair.a, pair.b));
        var far = pairs.Where(pair => pair.a / 3 != pair.b / 3).Average(pair => trace.Correlation(pair.a, pair.b));
        Assert.True(near > far && near > 0.15, $"near {near:0.00}, far {far:0.00}");
    }

    [Fact]
    public void The_same_seed_gives_the_same_trace_and_its_text_is_read_back()
    {
        var (first, second) = (Text(SpotTraceGenerator.Generate(7)), Text(SpotTraceGenerator.Generate(7)));
        Assert.Equal(first, second);
        Assert.StartsWith("195,9\n", first, StringComparison.Ordinal);
        Assert.Equal(first, Text(SpotTrace.Read(new StringReader(first))));
    }

    [Theory]
    [InlineData("", "Line 1")]
    [InlineData("195\n1", "Line 1")]
    [InlineData("0,2\n1,1", "Line 1")]
    [InlineData("195,2\n1,1\n1,2", "Line 3")]
    [InlineData("195,2\n1", "Line 2")]
    [InlineData("195,2", "no tick")]
    public void A_wrong_trace_is_refused_with_its_line(string text, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<FormatException>(() => SpotTrace.Read(new StringReader(text))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_world_without_losses_costs_spot_and_is_ready_but_for_the_first_boot()
    {
        var figures = SpotReplay.Plan(Constant(isUp: true, ticks: 1000));

        Assert.Equal(1 - (600.0 / 195_000), figures.AllReady, 1e-9);
        Assert.InRange(figures.Cost, 0.31, 0.342);
    }

    [Fact]
    public void A_world_without_spot_capacity_runs_on_demand()
    {
        var figures = SpotReplay.Plan(Constant(isUp: false, ticks: 1000));

        Assert.InRange(figures.AllReady, 0.99, 1);
        Assert.InRange(figures.Cost, 0.99, 1);
        Assert.Equal(1, SpotReplay.ListOrder(Constant(isUp: false, ticks: 1000), CoolDown).NoneReady);
    }

    [Fact]
    public void The_plan_keeps_replicas_ready_for_little_more_than_spot_costs()
    {
        var traces = Enumerable.Range(1, 5).Select(SpotTraceGenerator.Generate).ToList();
        var plan = traces.ConvertAll(trace => SpotReplay.Plan(trace));
        var list = traces.ConvertAll(trace => SpotReplay.ListOrder(trace, CoolDown));
        output.WriteLine(string.Join('\n', plan.Concat(list)));

        Assert.True(plan.Select(figures => figures.Ready).Order().ElementAt(plan.Count / 2) >= 0.991, "median");
        Assert.All(plan, figures => Assert.True(figures.Ready >= 0.99, $"{figures}"));
        Assert.All(plan, figures => Assert.True(figures.NoneReady <= 0.0035, $"{figures}"));
        Assert.All(plan, figures => Assert.True(figures.Cost <= 0.342, $"{figures}"));
        Assert.All(plan.Zip(list), pair => Assert.True(pair.First.AllReady > pair.Second.AllReady, $"{pair}"));
    }

    private static SpotTrace Constant(bool isUp, int ticks) =>
        new(SpotTraceGenerator.Interval, [.. Enumerable.Repeat(ImmutableArray.Create(isUp, isUp, isUp), ticks)]);

    private static string Text(SpotTrace trace)
    {
        using var text = new StringWriter { NewLine = "\n" };
        trace.Write(text);
        return text.ToString();
    }
}
