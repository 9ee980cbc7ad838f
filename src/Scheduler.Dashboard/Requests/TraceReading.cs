using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;
using Scheduler.Edge.Requests;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Requests;

/// <summary>Reads what happened under an id, the scheduler's or the caller's own.</summary>
internal static class TraceReading
{
    /// <returns>The answers, newest first, and the events of all of them, oldest first. Empty for a malformed id.</returns>
    public static async Task<(ImmutableArray<AnsweredRequest> Answers, ImmutableArray<SubjectEvent> Events)> ReadAsync(
        RequestLog log,
        IGrainFactory grains,
        string id,
        AccountId? accessScope,
        CancellationToken cancellationToken
    )
    {
        if (!RequestIds.IsWellFormed(id))
        {
            return ([], []);
        }

        var answers = await log.FindAsync(id, accessScope, RequestLog.MostWithOneId, cancellationToken);
        var events = await Task.WhenAll(
                answers
                    .Select(answer => answer.Id)
                    .Append(new RequestId(id))
                    .Distinct()
                    .Select(one => grains.Fleet().RequestAsync(one, accessScope, TracePage.MostEvents))
            )
            .WaitAsync(cancellationToken);
        return (
            answers,
            [.. events.SelectMany(found => found).OrderBy(row => row.Event.At).Take(TracePage.MostEvents)]
        );
    }
}
