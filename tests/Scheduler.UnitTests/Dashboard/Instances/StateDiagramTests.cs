using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Dashboard.Instances;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Instances;

public sealed partial class StateDiagramTests
{
    private const int BoxWidth = 120;
    private const int BoxHeight = 40;

    private static readonly IReadOnlyList<(InstanceState From, InstanceState To)> Transitions =
    [
        .. from state in Enum.GetValues<InstanceState>()
        from trigger in InstanceLifecycle.AllowedIn(state)
        let next = InstanceLifecycle.TryNext(state, trigger, out var to) ? to : throw new InvalidOperationException()
        select (state, next),
    ];

    [Fact]
    public void Every_transition_has_exactly_one_arrow_and_there_is_no_other_arrow() =>
        Assert.Equal(
            Transitions.Distinct().Order(),
            StateDiagram.Arrows.Select(arrow => (arrow.From, arrow.To)).Order()
        );

    [Fact]
    public void Every_state_has_a_box_and_no_boxes_overlap()
    {
        Assert.Equal(Enum.GetValues<InstanceState>(), StateDiagram.Positions.Keys);
        var places = StateDiagram.Positions.Values.ToList();
        Assert.All(
            places.Index(),
            one =>
                Assert.DoesNotContain(
                    places.Skip(one.Index + 1),
                    other => Math.Abs(one.Item.X - other.X) <= BoxWidth && Math.Abs(one.Item.Y - other.Y) <= BoxHeight
                )
        );
    }

    [Fact]
    public void An_arrow_starts_and_ends_at_the_edges_of_its_boxes() =>
        Assert.All(
            StateDiagram.Arrows,
            arrow =>
            {
                var (start, end) = EndsOf(arrow.Path);
                Assert.True(IsOnEdge(arrow.From, start), $"{arrow} begins at {start}");
                Assert.True(IsOnEdge(arrow.To, end), $"{arrow} ends at {end}");
            }
        );

    [Fact]
    public async Task The_diagram_marks_the_current_state_and_the_previous_ones()
    {
        var html = await Rendered.HtmlAsync<StateDiagram>(
            ("Now", InstanceState.Starting),
            (
                "Steps",
                new[]
                {
                    Step(InstanceState.Failed, InstanceState.Checking),
                    Step(InstanceState.Checking, InstanceState.Provisioning),
                    Step(InstanceState.Provisioning, InstanceState.Starting),
                }
            )
        );

        Assert.Equal("starting", Assert.Single(Classes(html, "now")));
        Assert.Equal(["checking", "failed", "provisioning"], Classes(html, "been").Order());
        Assert.Equal(
            StateDiagram
                .Arrows.Where(arrow =>
                    (arrow.From, arrow.To)
                        is
                            (InstanceState.Failed, InstanceState.Checking)
                            or
                            (InstanceState.Checking, InstanceState.Provisioning)
                            or
                            (InstanceState.Provisioning, InstanceState.Starting)
                )
                .Select(arrow => arrow.Path)
                .Order(),
            BeenPath().Matches(html).Select(match => match.Groups[1].Value).Order()
        );
        Assert.Contains("The instance is starting; previous states: failed, checking, provisioning.", html);
    }

    [Theory]
    [MemberData(nameof(States))]
    public async Task Every_state_can_be_marked_as_current(InstanceState state)
    {
        var html = await Rendered.HtmlAsync<StateDiagram>(("Now", state), ("Steps", Array.Empty<StoredEvent>()));
        Assert.Equal(state.WireName(), Assert.Single(Classes(html, "now")));
        Assert.Empty(Classes(html, "been"));
        Assert.Equal(StateDiagram.Arrows.Length, html.Split("<path ").Length - 1);
        Assert.Contains($"aria-label=\"The instance is {state.WireName()}.\"", html);
    }

    public static TheoryData<InstanceState> States => [.. Enum.GetValues<InstanceState>()];

    private static StoredEvent Step(InstanceState from, InstanceState to) =>
        new() { From = from.ToString(), To = to.ToString() };

    private static IEnumerable<string> Classes(string html, string mark) =>
        BoxClass().Matches(html).Where(match => match.Groups[1].Value == mark).Select(match => match.Groups[2].Value);

    private static bool IsOnEdge(InstanceState state, (int X, int Y) point)
    {
        var (x, y) = StateDiagram.Positions[state];
        var (right, across) = (point.X - x, point.Y - y);
        int[] fromEdges = [right, BoxWidth - right, across, BoxHeight - across];

        // Corners are round, so near a corner the edge is slightly inside the box.
        return fromEdges.Min() is >= 0 and <= 2;
    }

    /// <summary>
    /// The start and end of an SVG path without its arrow head. Supports only the four commands in use.
    /// </summary>
    private static ((int X, int Y) Start, (int X, int Y) End) EndsOf(string path)
    {
        var (x, y) = (0, 0);
        (int, int)? start = null;
        foreach (Match step in PathStep().Matches(path[..path.IndexOf('m', StringComparison.Ordinal)]))
        {
            var numbers = step.Groups[2]
                .Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(number => int.Parse(number, CultureInfo.InvariantCulture))
                .ToArray();
            (x, y) = step.Groups[1].Value switch
            {
                "H" => (numbers[^1], y),
                "V" => (x, numbers[^1]),
                _ => (numbers[^2], numbers[^1]),
            };
            start ??= (x, y);
        }

        return (start!.Value, (x, y));
    }

    [GeneratedRegex("<g class=\"(?:(now|been) )?([a-z]+)\"")]
    private static partial Regex BoxClass();

    [GeneratedRegex("<path class=\"been\" d=\"([^\"]+)\"")]
    private static partial Regex BeenPath();

    [GeneratedRegex("([MHVC])([^A-Z]+)")]
    private static partial Regex PathStep();
}
