using System.Collections.Immutable;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Hosts;
using Scheduler.Grains;
using Scheduler.Grains.Hosts;

namespace Scheduler.Dashboard.Hosts;

/// <summary>The hosts that joined, with what each tells now, and the join tokens.</summary>
public sealed partial class HostsPage
{
    private const string Path = DashboardSetup.Root + "/hosts";
    private const string TokenPath = DashboardSetup.Root + "/join-tokens";

    private static readonly int MostHours = (int)JoinTokenLimits.LongestValidFor.TotalHours;

    private ImmutableArray<HostView> _hosts = [];
    private ImmutableArray<JoinTokenView> _tokens = [];

    protected override async Task LoadAsync()
    {
        if (Caller.IsOperator)
        {
            _hosts = await Grains.Hosts().ListAsync().WaitAsync(Http.RequestAborted);
            _tokens = await Grains.Hosts().ListTokensAsync().WaitAsync(Http.RequestAborted);
        }
    }

    private static string StateOf(HostView view) =>
        view.Status.Reach switch
        {
            HostReach.Reachable => "answers",
            HostReach.Silent => "does not answer",
            HostReach.Lost => "lost",
            HostReach.Unspecified => "not known",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>One line for each kind of GPU: how many there are and how many of them are free.</summary>
    private static IEnumerable<string> GroupsOf(HostView view) =>
        view
            .Status.Gpus.GroupBy(gpu => gpu.Type.Length > 0 ? gpu.Type : gpu.Name, StringComparer.Ordinal)
            .Select(group =>
                $"{Units.Count(group.Count())} × {group.Key}, {Units.Count(group.Count(gpu => gpu.Allocation.Length == 0))} free"
            );
}
