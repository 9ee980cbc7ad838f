using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>
/// The step that every change of a service ends with: pure. It decides how many replicas are wanted, which are added and which leave, from
/// the record and what is known about load, prices and drains. Running it again at the same time changes nothing.
/// </summary>
public static class ServiceTurn
{
    /// <summary>A run of this length ends a row of failures.</summary>
    public static readonly TimeSpan LongRun = TimeSpan.FromMinutes(10);

    public static void Run(ServiceEditor editor, TurnFacts facts)
    {
        if (!editor.Next.IsLive)
        {
            return;
        }

        if (editor.Next.IsDeleting)
        {
            Delete(editor);
        }
        else
        {
            Retry(editor);
            Scale(editor, facts);
            if (!editor.Next.Spec.Paused)
            {
                RollOut.Run(editor, facts);
            }

            Drain(editor, facts);
            ForgetRevisions(editor);
        }

        ServiceConditions.Update(editor);
    }

    private static void Delete(ServiceEditor editor)
    {
        foreach (var replica in editor.Next.Replicas.Where(one => one.Phase != ReplicaPhase.Removing))
        {
            Leave(editor, replica, ReplicaPhase.Removing, "the service is deleted");
        }

        if (editor.Next.Replicas.IsEmpty)
        {
            editor.Change(next => next with { DeletedAt = editor.Now });
            editor.Note("Delete", "deleted; no replica is left");
        }
    }

    private static void Retry(ServiceEditor editor)
    {
        if (editor.Next.RetryAt <= editor.Now)
        {
            editor.Change(next => next with { Failure = null, RetryAt = null });
        }

        if (editor.Next.Spec.Paused || editor.Next.Failure is not null)
        {
            return;
        }

        foreach (var replica in editor.Next.Staying.Where(one => one.StartAt <= editor.Now).ToList())
        {
            editor.Change(replica with { StartAt = null, Starts = replica.Starts + 1 });
        }
    }

    private static void Scale(ServiceEditor editor, TurnFacts facts)
    {
        var record = editor.Next;
        var affordable = ServiceSpending.IsDaySpent(record, editor.Now) ? 0 : RollOut.Affordable(record, facts);
        var next = ScalingDecision.Next(record.Spec, record.Scaling, facts.Loads, affordable, editor.Now);
        if (next == record.Scaling)
        {
            return;
        }

        editor.Change(known => known with { Scaling = next });
        if (next.Wanted != record.Scaling.Wanted)
        {
            editor.Note("Wanted", $"{Text(record.Scaling.Wanted)} → {Text(next.Wanted)}: {next.Why}{LimitOf(next)}");
        }
    }

    private static void Drain(ServiceEditor editor, TurnFacts facts)
    {
        foreach (var replica in editor.Next.Replicas.Where(one => one.Phase == ReplicaPhase.Draining).ToList())
        {
            var isLate = editor.Now - replica.Since >= editor.Next.Spec.Update.DrainTimeout;
            if (isLate || replica.Seen?.State != InstanceState.Running || facts.IsDrained(replica))
            {
                Leave(editor, replica, ReplicaPhase.Removing, replica.Reason);
            }
        }
    }

    /// <summary>Lets a replica leave: it drains if it serves, and stops at once otherwise.</summary>
    internal static void Leave(ServiceEditor editor, Replica replica, string reason)
    {
        var phase = replica.IsReady ? ReplicaPhase.Draining : ReplicaPhase.Removing;
        editor.Note(
            phase == ReplicaPhase.Draining ? "ReplicaDrains" : "ReplicaStops",
            $"{replica.ServingName}: {reason}"
        );
        Leave(editor, replica, phase, reason);
    }

    private static void Leave(ServiceEditor editor, Replica replica, ReplicaPhase phase, string reason) =>
        editor.Change(replica with { Phase = phase, Since = editor.Now, Reason = reason, StartAt = null });

    /// <summary>Keeps the target, the latest, those that replicas have, and the latest earlier one that worked.</summary>
    private static void ForgetRevisions(ServiceEditor editor)
    {
        var record = editor.Next;
        var earlier = ServiceCommands.RollbackTarget(record, null)?.Number;
        var kept = record.Revisions.RemoveAll(known =>
            known.Number != record.Revision
            && known.Number != record.LastRevision
            && known.Number != earlier
            && record.Replicas.All(replica => replica.Revision != known.Number)
        );
        if (kept.Length < record.Revisions.Length)
        {
            editor.Change(next => next with { Revisions = kept });
        }
    }

    private static string LimitOf(ScalingState state) =>
        state.Limit switch
        {
            ScalingLimit.None => "",
            ScalingLimit.Max => "; limited by max_replicas",
            ScalingLimit.Budget => "; limited by the budget",
            ScalingLimit.Step => "; one step at a time",
            ScalingLimit.Paused => "; paused",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What a turn knows besides the record.</summary>
/// <param name="CheapestPrice">Price per hour of the cheapest offer that matches the template; null when it is not known or none matches.</param>
/// <param name="IsDrained">Whether a draining replica has no request in progress.</param>
public sealed record TurnFacts(LoadWindow Loads, MicroEuro? CheapestPrice, Func<Replica, bool> IsDrained);
