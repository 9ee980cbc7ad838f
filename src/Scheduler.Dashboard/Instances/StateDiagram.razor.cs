using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>Diagram of the instance states: the current state and the transitions since the last start.</summary>
public sealed partial class StateDiagram
{
    private readonly HashSet<(string? From, string? To)> _visited = [];

    /// <summary>Upper left corners of the boxes, each 120 by 40 SVG units.</summary>
    internal static ImmutableSortedDictionary<InstanceState, (int X, int Y)> Positions { get; } =
        ImmutableSortedDictionary.CreateRange<InstanceState, (int, int)>([
            new(InstanceState.Stopped, (10, 20)),
            new(InstanceState.Checking, (187, 20)),
            new(InstanceState.Provisioning, (364, 20)),
            new(InstanceState.Starting, (541, 20)),
            new(InstanceState.Running, (718, 20)),
            new(InstanceState.Waiting, (275, -64)),
            new(InstanceState.Deleted, (10, 170)),
            new(InstanceState.Failed, (364, 170)),
            new(InstanceState.Stopping, (718, 170)),
        ]);

    /// <summary>One line per pair of states with a transition; a test compares them with the lifecycle.</summary>
    internal static ImmutableArray<Arrow> Arrows { get; } =
    [
        new(InstanceState.Stopped, InstanceState.Checking, "M130 40 H187 m-7 -4 l7 4 l-7 4"),
        new(InstanceState.Checking, InstanceState.Provisioning, "M307 40 H364 m-7 -4 l7 4 l-7 4"),
        new(InstanceState.Provisioning, InstanceState.Starting, "M484 40 H541 m-7 -4 l7 4 l-7 4"),
        new(InstanceState.Starting, InstanceState.Running, "M661 40 H718 m-7 -4 l7 4 l-7 4"),
        new(InstanceState.Stopped, InstanceState.Deleted, "M70 60 V170 m-4 -7 l4 7 l4 -7"),
        new(InstanceState.Checking, InstanceState.Failed, "M260 60 C260 130 340 120 385 170 m-8 -3 l8 3 l-2 -9"),
        new(InstanceState.Provisioning, InstanceState.Failed, "M424 60 V170 m-4 -7 l4 7 l4 -7"),
        new(InstanceState.Starting, InstanceState.Failed, "M575 60 C570 120 490 120 455 170 m0 -9 l0 9 l8 -4"),
        new(InstanceState.Running, InstanceState.Failed, "M745 60 C735 130 560 130 484 180 m5 -7 l-5 7 l9 0"),
        new(InstanceState.Checking, InstanceState.Waiting, "M260 20 C262 -2 285 -8 305 -24 m-9 1 l9 -1 l-3 8"),
        new(InstanceState.Waiting, InstanceState.Checking, "M275 -44 C230 -44 220 -20 220 20 m-4 -7 l4 7 l4 -7"),
        new(InstanceState.Provisioning, InstanceState.Waiting, "M424 20 C422 -2 400 -8 370 -24 m3 8 l-3 -8 l9 1"),
        new(InstanceState.Waiting, InstanceState.Failed, "M335 -24 V110 C335 145 375 145 395 170 m-8 -3 l8 3 l-2 -9"),
        new(InstanceState.Waiting, InstanceState.Stopping, "M395 -50 H852 V190 H838 m7 -4 l-7 4 l7 4"),
        new(InstanceState.Failed, InstanceState.Checking, "M364 178 C290 165 235 130 235 60 m-4 7 l4 -7 l4 7"),
        new(InstanceState.Failed, InstanceState.Deleted, "M364 195 H130 m7 -4 l-7 4 l7 4"),
        new(InstanceState.Failed, InstanceState.Stopping, "M484 195 H718 m-7 -4 l7 4 l-7 4"),
        new(InstanceState.Failed, InstanceState.Failed, "M404 210 C390 240 458 240 444 210 m-3 8 l3 -8 l6 6"),
        new(InstanceState.Provisioning, InstanceState.Stopping, "M470 60 C500 140 650 120 722 172 m-9 -1 l9 1 l-4 -8"),
        new(InstanceState.Starting, InstanceState.Stopping, "M625 60 C640 110 700 120 745 170 m-8 -3 l8 3 l-2 -9"),
        new(InstanceState.Running, InstanceState.Stopping, "M790 60 V170 m-4 -7 l4 7 l4 -7"),
        new(InstanceState.Stopping, InstanceState.Stopped, "M778 210 V238 H-6 V40 H10 m-7 -4 l7 4 l-7 4"),
    ];

    [Parameter, EditorRequired]
    public InstanceState Now { get; set; }

    /// <summary>The transitions since the last start.</summary>
    [Parameter, EditorRequired]
    public IReadOnlyList<StoredEvent> Steps { get; set; } = [];

    private string Description =>
        Steps.Count == 0
            ? $"The instance is {Now.WireName()}."
            : $"The instance is {Now.WireName()}; previous states: {string.Join(", ", Steps.Select(step => step.From).OfType<string>().Select(Lower))}.";

    protected override void OnParametersSet()
    {
        _visited.Clear();
        _visited.UnionWith(Steps.Select(step => ((string?)Lower(step.From), (string?)Lower(step.To))));
    }

    private bool IsVisited(InstanceState from, InstanceState to) => _visited.Contains((from.WireName(), to.WireName()));

    private string Class(InstanceState state)
    {
        var word = state.WireName();
        return state == Now ? $"now {word}"
            : _visited.Any(step => step.From == word || step.To == word) ? $"been {word}"
            : word;
    }

    private static string Lower(string? state) => state?.ToLowerInvariant() ?? "";

    /// <param name="Path">SVG path data.</param>
    internal sealed record Arrow(InstanceState From, InstanceState To, string Path);
}
