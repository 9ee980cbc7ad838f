using System.Globalization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>What a service learns from a change of a replica's instance.</summary>
public static class ReplicaSights
{
    /// <summary>Failed launches in a row after which a revision that never worked counts as failed.</summary>
    public const int MostFailedLaunches = 3;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>How long a launch that no retry cures is not tried again: the account may get money, or settings may change.</summary>
    private static readonly TimeSpan BlockedFor = TimeSpan.FromMinutes(1);

    /// <summary>Takes what was seen of a replica's instance; without effect if a later state was seen already.</summary>
    public static void See(ServiceEditor editor, int number, ReplicaSight seen)
    {
        if (editor.Next.Replicas.FirstOrDefault(known => known.Number == number) is not { } replica)
        {
            return;
        }

        var last = replica.Seen;
        if (last is not null && last.Generation >= seen.Generation)
        {
            return;
        }

        if (last is { RunningUntil: null } or null || last.Run != seen.Run)
        {
            var spend = ServiceSpending.With(editor.Next.Spend, seen, editor.Now);
            if (spend != editor.Next.Spend)
            {
                editor.Change(next => next with { Spend = spend });
            }
        }

        replica = replica with { Seen = seen, Trouble = "" };
        editor.Change(replica);
        switch (seen.State)
        {
            case InstanceState.Deleted:
                editor.Remove(replica);
                editor.Note(
                    "ReplicaGone",
                    $"{replica.ServingName}: {(replica.IsLeaving ? replica.Reason : "its instance was deleted")}"
                );
                break;
            case InstanceState.Running when last?.State != InstanceState.Running:
                Serves(editor, replica);
                break;
            case InstanceState.Failed when last?.State != InstanceState.Failed || last.Run != seen.Run:
                Failed(editor, replica, last);
                break;
            case InstanceState.Stopped
                when replica is { IsLeaving: false, StartAt: null } && replica.Answered == replica.Starts:
                editor.Change(replica with { StartAt = editor.Now + ShortestPause });
                editor.Note("ReplicaStopped", $"{replica.ServingName} was stopped; it starts again");
                break;
            case InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Waiting
            or InstanceState.Provisioning
            or InstanceState.Starting
            or InstanceState.Running
            or InstanceState.Stopping
            or InstanceState.Failed:
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>A start was answered: it is not repeated.</summary>
    public static void Answered(ServiceEditor editor, int number, int start)
    {
        if (
            editor.Next.Replicas.FirstOrDefault(known => known.Number == number) is { } replica
            && replica.Answered < start
        )
        {
            editor.Change(replica with { Answered = start });
        }
    }

    /// <summary>The instance could not be created or started, for a reason that is no failure of a run.</summary>
    /// <param name="failure">The catalogued failure, for example of a quota; null for a refusal of the spec or the name.</param>
    public static void Refused(ServiceEditor editor, int number, int start, string why, Failure? failure)
    {
        Answered(editor, number, start);
        if (
            editor.Next.Replicas.FirstOrDefault(known => known.Number == number) is not { IsLeaving: false } replica
            || replica.Answered != start
        )
        {
            return;
        }

        var failures = replica.Failures + 1;
        editor.Change(
            replica with
            {
                Trouble = why,
                Failures = failures,
                StartAt = editor.Now + (failure is null ? PauseAfter(failures) : BlockedFor),
            }
        );
        editor.Note("ReplicaRefused", $"{replica.ServingName}: {why}", failure?.Code ?? FailureCode.None);
        if (failure is not null)
        {
            Block(
                editor,
                new FailureRecord
                {
                    Failure = failure,
                    RequestId = editor.Cause.RequestId,
                    FailedAt = editor.Now,
                }
            );
        }
    }

    /// <summary>A replica that leaves has no instance.</summary>
    public static void Absent(ServiceEditor editor, int number)
    {
        if (editor.Next.Replicas.FirstOrDefault(known => known.Number == number) is { IsLeaving: true } replica)
        {
            editor.Remove(replica);
            editor.Note("ReplicaGone", $"{replica.ServingName}: {replica.Reason}");
        }
    }

    private static void Serves(ServiceEditor editor, Replica replica)
    {
        editor.Change(replica with { Answered = replica.Starts, StartAt = null });
        if (
            editor.Next.FindRevision(replica.Revision) is { } revision
            && (!revision.Worked || revision.FailedLaunches > 0)
        )
        {
            editor.Change(revision with { Worked = true, FailedLaunches = 0 });
        }

        if (editor.Next.Failure is not null)
        {
            editor.Change(next => next with { Failure = null, RetryAt = null });
        }

        editor.Note("ReplicaReady", $"{replica.ServingName} serves at {replica.Seen!.Route}");
    }

    private static void Failed(ServiceEditor editor, Replica replica, ReplicaSight? last)
    {
        var failed = replica.Seen!.Failure ?? new FailureRecord();
        editor.Note("ReplicaFailed", $"{replica.ServingName}: {failed.Failure.Message}", failed.Failure.Code);
        if (replica.IsLeaving)
        {
            return;
        }

        var hasServedLong =
            last is { RunningSince: { } since }
            && (replica.Seen.RunningUntil ?? editor.Now) - since >= ServiceTurn.LongRun;
        var failures = hasServedLong ? 1 : replica.Failures + 1;
        replica = replica with
        {
            Answered = replica.Starts,
            Failures = failures,
            StartAt = editor.Now + PauseAfter(failures),
        };
        editor.Change(replica);
        Judge(editor, replica, failed);
    }

    /// <summary>Decides whether the failure is one of the revision or of the account, which no other start cures.</summary>
    private static void Judge(ServiceEditor editor, Replica replica, FailureRecord failed)
    {
        var code = failed.Failure.Code;
        if (code == FailureCode.None)
        {
            return;
        }

        if (FailureCatalogue.Definition(code).Retry == FailureRetry.AfterTopUp)
        {
            Block(editor, failed);
            return;
        }

        if (
            IsOfCapacity(code)
            || replica.Revision != editor.Next.Revision
            || editor.Next.FindRevision(replica.Revision) is not { Worked: false } revision
        )
        {
            return;
        }

        revision = revision with { FailedLaunches = revision.FailedLaunches + 1 };
        editor.Change(revision);
        var isFinal = FailureCatalogue.Definition(code).Retry is FailureRetry.No or FailureRetry.AfterChange;
        if (!isFinal && revision.FailedLaunches < MostFailedLaunches)
        {
            return;
        }

        var text = Text(
            $"revision {revision.Number} failed after {revision.FailedLaunches} launches: {code.WireName()}, {failed.Failure.Message}"
        );
        if (ServiceCommands.RollbackTarget(editor.Next, null) is { Worked: true } target)
        {
            editor.Change(revision with { Failure = failed });
            editor.Note("RevisionFailed", text, code);
            ServiceCommands.Rollback(editor, target, $"{code.WireName()}, {failed.Failure.Message}");
        }
        else
        {
            editor.Note("RevisionFailed", $"{text}; there is no earlier one that worked", code);
            Block(editor, failed);
        }
    }

    private static void Block(ServiceEditor editor, FailureRecord failure)
    {
        var pause = BlockedFor * Math.Min(10, 1 + editor.Next.Staying.Sum(one => Math.Max(0, one.Failures - 1)));
        editor.Change(next => next with { Failure = failure, RetryAt = editor.Now + pause });
    }

    /// <summary>Failures that another offer or a later time cures: they say nothing about the revision.</summary>
    public static bool IsOfCapacity(FailureCode code) =>
        code
            is FailureCode.SmartNoMatch
                or FailureCode.ProviderTimeout
                or FailureCode.ProviderRejected
                or FailureCode.Preempted
                or FailureCode.BalanceExhausted;

    private static TimeSpan PauseAfter(int failures)
    {
        var pause = ShortestPause * Math.Pow(2, Math.Min(failures - 1, 20));
        return pause < LongestPause ? pause : LongestPause;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
