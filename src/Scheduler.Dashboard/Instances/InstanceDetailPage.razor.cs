using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>
/// One instance: state, failure and remedies, placement and cost, result of a start now, and timeline.
/// </summary>
public sealed partial class InstanceDetailPage
{
    /// <summary>Number of latest events shown by default.</summary>
    private const int LatestEvents = 50;

    private const int MostEvents = 1000;

    private InstanceRecord _record = new();
    private ServedUsageRecord _usage = new();
    private LaunchExplanation? _explanation;
    private string _output = "";
    private AccountView _account = new();
    private ImmutableArray<Remedy> _remedies = [];
    private ImmutableArray<StoredEvent> _events = [];
    private ImmutableArray<StoredEvent> _steps = [];
    private bool _hasEarlier;

    [Parameter]
    public string Id { get; set; } = "";

    [SupplyParameterFromQuery]
    private string? All { get; set; }

    private bool MayStart => InstanceLifecycle.AllowedIn(_record.State).Contains(InstanceTrigger.Start);

    private bool MayStop => InstanceLifecycle.AllowedIn(_record.State).Contains(InstanceTrigger.Stop);

    private bool MayDelete => InstanceLifecycle.AllowedIn(_record.State).Contains(InstanceTrigger.Delete);

    /// <summary>Progress of a wait with a deadline, as a share from 0 to 1; null without such a wait.</summary>
    private (string What, DateTimeOffset Deadline, double Share)? Progress
    {
        get
        {
            if (_record.Deadline() is not { } ends)
            {
                return null;
            }

            var what =
                _record.State == InstanceState.Waiting ? "Waiting for capacity to appear"
                : _record.State == InstanceState.Provisioning ? "Waiting for the provider"
                : "Starting the runtime and loading the model";
            var since = _record is { State: InstanceState.Waiting, Wait: { } wait } ? wait.Since : _record.StateSince;
            var whole = (ends - since).TotalSeconds;
            return (what, ends, whole <= 0 ? 1 : Math.Clamp((Now - since).TotalSeconds / whole, 0, 1));
        }
    }

    protected override async Task LoadAsync()
    {
        var id = Addressed.Instance(Id);
        var grain = Grains.Instance(id);
        _record = await AskAsync(grain.GetAsync(AccessScope), Id);
        _remedies = Remedies.For(_record);
        // The provider may be slow to answer, so the other reads run in parallel.
        var output = AskAsync(grain.ReadOutputAsync(AccessScope), Id);
        await ReadTimelineAsync(id);
        _usage = await Grains.Usage(id).GetAsync().WaitAsync(Http.RequestAborted);
        _account = await AskAsync(Grains.Account(_record.Account).GetAsync(AccessScope), Id);
        if (_record.State != InstanceState.Deleted)
        {
            _explanation = await AskAsync(grain.ExplainAsync(AccessScope), Id);
        }

        _output = await output;
    }

    private async Task ReadTimelineAsync(InstanceId id)
    {
        var isWhole = !string.IsNullOrEmpty(All);
        var after = isWhole ? 0 : Math.Max(0, _record.LastSequence - LatestEvents);
        var page = await AskAsync(
            Grains.Fleet().TimelineAsync(id, AccessScope, after, isWhole ? MostEvents : LatestEvents * 2),
            Id
        );
        _events = page.Events;
        _hasEarlier = after > 0;
        var steps = _events.Where(step => step.To is not null).ToList();
        var start = steps.FindLastIndex(step => step.Trigger == nameof(InstanceTrigger.Start));
        _steps = [.. steps.Skip(Math.Max(0, start))];
    }

    private static string Describe(PendingCleanup cleanup) =>
        cleanup.Kind == CleanupKind.Release
            ? $"the release of {cleanup.Key} by {cleanup.Provider}"
            : $"the settlement of run {cleanup.Run}";
}
