using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Services;

/// <summary>The conditions that follow from a record.</summary>
public static class ServiceConditions
{
    /// <summary>A service short of replicas for this long is degraded.</summary>
    public static readonly TimeSpan DegradedAfter = TimeSpan.FromMinutes(1);

    /// <summary>Whether a condition holds now.</summary>
    public static bool Has(this ServiceRecord record, ServiceConditionType type) =>
        record.Conditions.Any(known => known.Type == type && known.Status);

    /// <summary>Brings conditions up to date, and notes each one whose status changed.</summary>
    internal static void Update(ServiceEditor editor)
    {
        var record = editor.Next;
        var isShort = record.IsLive && !record.IsDeleting && record.Ready < record.Scaling.Wanted;
        if (isShort != record.ShortSince is not null)
        {
            editor.Change(next => next with { ShortSince = isShort ? editor.Now : null });
        }

        ImmutableArray<ServiceCondition> found =
        [
            Ready(editor.Next),
            Progressing(editor.Next),
            Limited(editor.Next),
            Degraded(editor.Next, editor.Now),
        ];
        var merged = found
            .Select(condition =>
                Merge(editor, condition, record.Conditions.FirstOrDefault(c => c.Type == condition.Type))
            )
            .ToImmutableArray();
        if (!merged.SequenceEqual(record.Conditions))
        {
            editor.Change(next => next with { Conditions = merged });
        }
    }

    private static ServiceCondition Merge(ServiceEditor editor, ServiceCondition found, ServiceCondition? before)
    {
        if (before is not null && before.Status == found.Status && before.Reason == found.Reason)
        {
            return before with { Message = found.Message };
        }

        if (before?.Status != found.Status && (before is not null || found.Status))
        {
            editor.Note("Condition", $"{found.Type} is {(found.Status ? "true" : "false")}: {found.Message}");
        }

        return found with
        {
            Since = editor.Now,
            RequestId = editor.Next.RequestId,
        };
    }

    private static ServiceCondition Ready(ServiceRecord record)
    {
        var (ready, wanted) = (record.Ready, record.Scaling.Wanted);
        var counts = Text($"{ready} of {wanted} wanted replicas serve");
        return !record.IsLive ? No(ServiceConditionType.Ready, "Deleted", "The service is deleted.")
            : record.IsDeleting ? No(ServiceConditionType.Ready, "Deleting", "The service is being deleted.")
            : wanted == 0 && ready == 0
                ? No(
                    ServiceConditionType.Ready,
                    record.Scaling.Limit == ScalingLimit.Budget ? "Budget" : "ScaledToZero",
                    record.Scaling.Limit == ScalingLimit.Budget
                        ? "The budget permits no replica now."
                        : "No replica is wanted; the first request starts one."
                )
            : ready == 0
                ? No(ServiceConditionType.Ready, "NoReplicaServes", $"{counts}. {ServiceWords.WaitsFor(record)}")
            : ready < wanted ? No(ServiceConditionType.Ready, "TooFewReplicas", $"{counts}.")
            : Yes(ServiceConditionType.Ready, "WantedMet", $"{counts}.");
    }

    private static ServiceCondition Progressing(ServiceRecord record)
    {
        const ServiceConditionType type = ServiceConditionType.Progressing;
        var current = record.Staying.Count(one => one.Revision == record.Revision && one.IsReady);
        var others = record.Replicas.Count(one => one.Revision != record.Revision);
        var counts = Text(
            $"{current} of {record.Scaling.Wanted} replicas of revision {record.Revision} serve, {others} of other revisions are left."
        );
        if (record.Spec.Paused && others > 0)
        {
            return No(type, "Paused", $"The service is paused. {counts}");
        }

        if (others > 0 || (record.Scaling.Wanted > 0 && record.FindRevision(record.Revision) is { Worked: false }))
        {
            return Yes(type, "RollingOut", counts);
        }

        return record.FindRevision(record.LastRevision) is { Failure: { } failure } failed
            ? No(
                type,
                "RolledBack",
                Text(
                    $"Revision {failed.Number} failed with {failure.Failure.Code.WireName()}: {failure.Failure.Message} Revision {record.Revision} is in use."
                )
            )
            : No(type, "RolledOut", Text($"All replicas have revision {record.Revision}."));
    }

    private static ServiceCondition Limited(ServiceRecord record)
    {
        const ServiceConditionType type = ServiceConditionType.ScalingLimited;
        var scaling = record.Scaling;
        var asked = Text($"The load asks for {scaling.Asked} replicas, {scaling.Wanted} are wanted");
        var capacity = record
            .Staying.Where(one => one.Seen?.Failure is { } failed && ReplicaSights.IsOfCapacity(failed.Failure.Code))
            .ToList();
        return scaling.Limit switch
        {
            ScalingLimit.Max => Yes(type, "Max", $"{asked}: max_replicas is {Text($"{record.Spec.Most}")}."),
            ScalingLimit.Budget => Yes(type, "Budget", $"{asked}: the budget permits no more."),
            ScalingLimit.Paused => Yes(type, "Paused", $"{asked}: the service is paused."),
            ScalingLimit.None or ScalingLimit.Step when capacity.Count > 0 => Yes(
                type,
                "NoCapacity",
                Text($"{capacity.Count} replicas get no capacity: {capacity[0].Seen!.Failure!.Failure.Message}")
            ),
            ScalingLimit.None or ScalingLimit.Step => No(type, "NotLimited", "No limit binds."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static ServiceCondition Degraded(ServiceRecord record, DateTimeOffset now)
    {
        const ServiceConditionType type = ServiceConditionType.Degraded;
        if (record.ShortSince is not { } since || now - since < DegradedAfter)
        {
            return No(type, "NotDegraded", "As many replicas as wanted serve, or too few for less than a minute.");
        }

        var codes = record
            .Staying.Select(one => one.Seen?.Failure?.Failure.Code)
            .OfType<FailureCode>()
            .GroupBy(code => code)
            .OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key)
            .Select(group => Text($"{group.Key.WireName()} × {group.Count()}"))
            .ToList();
        return Yes(
            type,
            codes.Count > 0 ? "ReplicasFail" : "ReplicasStart",
            Text($"{record.Ready} of {record.Scaling.Wanted} wanted replicas serve since {since:HH:mm:ss}")
                + (codes.Count > 0 ? $"; failures: {string.Join(", ", codes)}." : ".")
        );
    }

    private static ServiceCondition Yes(ServiceConditionType type, string reason, string message) =>
        new()
        {
            Type = type,
            Status = true,
            Reason = reason,
            Message = message,
        };

    private static ServiceCondition No(ServiceConditionType type, string reason, string message) =>
        new()
        {
            Type = type,
            Reason = reason,
            Message = message,
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
