using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Requests;

/// <summary>All events of one request id in the caller's access scope, in order of time.</summary>
public sealed partial class TracePage
{
    /// <summary>Most events that one query returns.</summary>
    internal const int MostEvents = 1000;

    private ImmutableArray<SubjectEvent> _events = [];

    [Parameter]
    public string Id { get; set; } = "";

    private IEnumerable<EventSubject> Subjects => _events.Select(row => row.Subject).Distinct();

    private List<FailureCode> Codes =>
        [.. _events.Select(row => row.Event.Code).Where(code => code != FailureCode.None).Distinct()];

    protected override async Task LoadAsync()
    {
        if (RequestIds.IsWellFormed(Id))
        {
            _events = await Grains
                .Fleet()
                .RequestAsync(new RequestId(Id), AccessScope, MostEvents)
                .WaitAsync(Http.RequestAborted);
        }
    }
}
