using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>One instance: where it stands and how it got there, why it failed and what can be done, what it costs and what a start would find.</summary>
public sealed partial class InstanceDetailPage
{
    /// <summary>The end of the timeline that is shown at first.</summary>
    private const int LatestEvents = 50;

    private const int MostEvents = 1000;

    private InstanceRecord _record = new();
    private ServedUsageRecord _usage = new();
    private LaunchExplanation? _explanation;
    private string _output = "";
    private ImmutableArray<Remedy> _remedies = [];
    private ImmutableArray<StoredEvent> _events = [];
    private ImmutableArray<StoredEvent> _way = [];
    private bool _hasEarlier;

    /// <summary>Which.</summary>
    [Parameter]
    public string Id { get; set; } = "";

    [SupplyParameterFromQuery]
    private string? All { get; set; }

    private bool MayStop => InstanceLifecycle.AllowedIn(_record.State).Contains(InstanceTrigger.Stop);

    private bool MayDelete => InstanceLifecycle.AllowedIn(_record.State).Contains(InstanceTrigger.Delete);

    /// <summary>How far a wait with a deadline is gone; null where nothing is waited for.</summary>
    private (string What, DateTimeOffset Deadline, double Share)? Progress
    {
        get
        {
            if (_record.Deadline() is not { } ends)
            {
                return null;
            }

            var what =
                _record.State == InstanceState.Provisioning
                    ? "Waiting for capacity"
                    : "The runtime boots and loads the model";
            var whole = (ends - _record.StateSince).TotalSeconds;
            return (what, ends, whole <= 0 ? 1 : Math.Clamp((Now - _record.StateSince).TotalSeconds / whole, 0, 1));
        }
    }

    /// <inheritdoc/>
    protected override async Task LoadAsync()
    {
        var id = Addressed.Instance(Id);
        var grain = Grains.Instance(id);
        _record = await AskAsync(grain.GetAsync(Eyes), Id);
        _remedies = Remedies.For(_record);
        // A provider may think about it for a moment: meanwhile the rest is asked.
        var output = AskAsync(grain.ReadOutputAsync(Eyes), Id);
        await ReadTimelineAsync(id);
        _usage = await Grains.Usage(id).GetAsync().WaitAsync(Http.RequestAborted);
        if (_record.State != InstanceState.Deleted)
        {
            _explanation = await AskAsync(grain.ExplainAsync(Eyes), Id);
        }

        _output = await output;
    }

    private async Task ReadTimelineAsync(InstanceId id)
    {
        var isWhole = !string.IsNullOrEmpty(All);
        var after = isWhole ? 0 : Math.Max(0, _record.LastSequence - LatestEvents);
        var page = await AskAsync(
            Grains.Fleet().TimelineAsync(id, Eyes, after, isWhole ? MostEvents : LatestEvents * 2),
            Id
        );
        _events = page.Events;
        _hasEarlier = after > 0;
        var steps = _events.Where(step => step.To is not null).ToList();
        var start = steps.FindLastIndex(step => step.Trigger == nameof(InstanceTrigger.Start));
        _way = [.. steps.Skip(Math.Max(0, start))];
    }

    private static string Owed(PendingCleanup cleanup) =>
        cleanup.Kind == CleanupKind.Release
            ? $"the release of {cleanup.Key} by {cleanup.Provider}"
            : $"the settlement of run {cleanup.Run}";
}
