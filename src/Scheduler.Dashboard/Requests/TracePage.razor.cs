using System.Collections.Immutable;
using Microsoft.AspNetCore.Components;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Requests;
using Scheduler.Edge.Requests;

namespace Scheduler.Dashboard.Requests;

/// <summary>All answers and events of one request id in the caller's access scope.</summary>
public sealed partial class TracePage
{
    /// <summary>Most events that one query returns.</summary>
    internal const int MostEvents = 1000;

    private ImmutableArray<AnsweredRequest> _answers = [];
    private ImmutableArray<SubjectEvent> _events = [];

    [Inject]
    private RequestLog Log { get; set; } = null!;

    [Parameter]
    public string Id { get; set; } = "";

    private IEnumerable<EventSubject> Subjects => _events.Select(row => row.Subject).Distinct();

    private List<FailureCode> Codes =>
        [.. _events.Select(row => row.Event.Code).Where(code => code != FailureCode.None).Distinct()];

    protected override async Task LoadAsync()
    {
        (_answers, _events) = await TraceReading.ReadAsync(Log, Grains, Id, AccessScope, Http.RequestAborted);
    }
}
