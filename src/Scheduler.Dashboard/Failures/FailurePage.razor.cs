using Microsoft.AspNetCore.Components;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Failures;

/// <summary>One failure code, with recent cases in the caller's access scope.</summary>
public sealed partial class FailurePage
{
    private const int MostCases = 20;

    private FailureDefinition _definition = null!;
    private IReadOnlyList<CaseSource> _sources = [];
    private IReadOnlyList<Case> _cases = [];

    /// <summary>Wire name of the code.</summary>
    [Parameter]
    public string Code { get; set; } = "";

    private string Name => _definition.Code.WireName();

    protected override async Task LoadAsync()
    {
        if (!FailureCodes.TryParse(Code, out var code) || code == FailureCode.None)
        {
            throw new ApiException(ApiError.NotFound($"Failure {Code}"));
        }

        _definition = FailureCatalogue.Definition(code);
        _sources = code.AnsweredDirectly();
        _cases = _sources.Count > 0 ? [] : await CasesAsync(code);
    }

    private async Task<IReadOnlyList<Case>> CasesAsync(FailureCode code)
    {
        var recent = await Grains
            .Fleet()
            .RecentFailuresAsync(code, AccessScope, MostCases)
            .WaitAsync(Http.RequestAborted);
        var ids = recent.Select(row => row.Subject.Id).Distinct(StringComparer.Ordinal);
        var found = await Task.WhenAll(ids.Select(id => Grains.Instance(new InstanceId(id)).GetAsync(AccessScope)))
            .WaitAsync(Http.RequestAborted);
        var byId = found.Where(answer => answer.IsOk).ToDictionary(answer => answer.Value!.Id, answer => answer.Value!);
        return [.. recent.Select(row => Case.Of(row, byId.GetValueOrDefault(new InstanceId(row.Subject.Id))))];
    }

    private sealed record Case(
        InstanceId Instance,
        AccountId? Account,
        string? ServingName,
        string? State,
        DateTimeOffset At,
        string Reason,
        string? Hint,
        RequestId Request
    )
    {
        public static Case Of(SubjectEvent row, InstanceRecord? instance)
        {
            // The hint stays on the instance until its next start; the timeline keeps only the reason.
            var isStanding = instance?.Failure is { } failure && failure.FailedAt == row.Event.At;
            return new(
                new InstanceId(row.Subject.Id),
                row.Subject.Account,
                instance?.ServingName,
                instance?.State.WireName(),
                row.Event.At,
                row.Event.Reason,
                isStanding ? instance!.Failure!.Failure.Hint : null,
                row.Event.RequestId
            );
        }
    }
}
