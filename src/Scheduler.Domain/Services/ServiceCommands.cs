using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>What commands of callers change in a service's record; <see cref="ServiceTurn"/> then acts on it.</summary>
public static class ServiceCommands
{
    /// <param name="blank">Id, account, name, spec, labels and fingerprint are set.</param>
    public static void Create(ServiceEditor editor, ServiceRecord blank)
    {
        editor.Change(_ =>
            blank with
            {
                Generation = 1,
                CreatedAt = editor.Now,
                RequestId = editor.Cause.RequestId,
                Revision = 1,
                LastRevision = 1,
                Revisions = [NewRevision(1, blank.Spec.Template, editor.Now)],
                Scaling = new ScalingState
                {
                    Wanted = blank.Spec.MinReplicas,
                    Since = editor.Now,
                    StepBase = blank.Spec.MinReplicas,
                    StepSince = editor.Now,
                    Asked = blank.Spec.MinReplicas,
                    Why = "the minimum of the spec",
                },
            }
        );
        editor.Note("Create", $"created with {Describe(blank.Spec)}");
    }

    /// <summary>Replaces the spec; a changed template becomes a new revision.</summary>
    public static void Update(
        ServiceEditor editor,
        ServiceSpec? spec,
        ImmutableSortedDictionary<string, string>? labels
    )
    {
        if (labels is not null)
        {
            editor.Change(next => next with { Labels = labels });
        }

        if (spec is null)
        {
            editor.Note("Update", "labels replaced");
            return;
        }

        var isNew = !SameTemplate(spec.Template, editor.Next.Spec.Template);
        editor.Change(next =>
            next with
            {
                Spec = spec,
                Generation = next.Generation + 1,
                RequestId = editor.Cause.RequestId,
                // A changed spec may cure what no retry did.
                Failure = null,
                RetryAt = null,
            }
        );
        editor.Note("Update", $"spec replaced, generation {Text(editor.Next.Generation)}; {Describe(spec)}");
        if (isNew)
        {
            var number = editor.Next.LastRevision + 1;
            editor.Change(next =>
                next with
                {
                    Revision = number,
                    LastRevision = number,
                    Revisions = next.Revisions.Add(NewRevision(number, spec.Template, editor.Now)),
                }
            );
            editor.Note("RevisionCreated", $"revision {Text(number)} rolls out: {spec.Template.Model}");
        }
        else
        {
            StartNow(editor);
        }
    }

    public static void Pause(ServiceEditor editor, bool isPaused)
    {
        if (editor.Next.Spec.Paused == isPaused)
        {
            return;
        }

        editor.Change(next =>
            next with
            {
                Spec = next.Spec with { Paused = isPaused },
                Generation = next.Generation + 1,
                RequestId = editor.Cause.RequestId,
            }
        );
        editor.Note(
            isPaused ? "Pause" : "Resume",
            isPaused ? "replicas stay as they are" : "scaling and updates continue"
        );
    }

    /// <summary>The revision that a rollback leads to; null when there is none.</summary>
    /// <param name="wanted">Its number; null for the latest before the current one that worked, else the latest before it.</param>
    public static ServiceRevision? RollbackTarget(ServiceRecord record, int? wanted)
    {
        if (wanted is { } number)
        {
            return number == record.Revision ? null : record.FindRevision(number);
        }

        var earlier = record.Revisions.Where(known => known.Number < record.Revision && known.Failure is null);
        return earlier.OrderByDescending(known => (known.Worked, known.Number)).FirstOrDefault();
    }

    /// <summary>Makes an earlier revision the target; its replicas that still exist stay.</summary>
    /// <param name="why">For the event.</param>
    public static void Rollback(ServiceEditor editor, ServiceRevision target, string why)
    {
        var from = editor.Next.Revision;
        editor.Change(next =>
            next with
            {
                Revision = target.Number,
                Spec = next.Spec with { Template = target.Template },
                Generation = next.Generation + 1,
                Failure = null,
                RetryAt = null,
            }
        );
        editor.Note("RolledBack", $"from revision {Text(from)} to revision {Text(target.Number)}: {why}");
        StartNow(editor);
    }

    public static void OrderDelete(ServiceEditor editor)
    {
        editor.Change(next =>
            next with
            {
                DeleteOrderedAt = editor.Now,
                RequestId = editor.Cause.RequestId,
                Failure = null,
                RetryAt = null,
            }
        );
        editor.Note("DeleteOrdered", $"{Text(editor.Next.Replicas.Length)} replicas stop first");
    }

    /// <summary>A failed replica of the target does not wait for its pause any longer.</summary>
    private static void StartNow(ServiceEditor editor)
    {
        foreach (
            var replica in editor.Next.Staying.Where(one =>
                one.StartAt is not null && one.Revision == editor.Next.Revision
            )
        )
        {
            editor.Change(replica with { StartAt = editor.Now });
        }
    }

    private static ServiceRevision NewRevision(int number, LaunchSpec template, DateTimeOffset now) =>
        new()
        {
            Number = number,
            Template = template,
            CreatedAt = now,
        };

    /// <summary>Records with lists are equal only by their content.</summary>
    private static bool SameTemplate(LaunchSpec one, LaunchSpec other) =>
        JsonSerializer.Serialize(one) == JsonSerializer.Serialize(other);

    private static string Describe(ServiceSpec spec) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{spec.Template.Model}, {spec.MinReplicas} to {spec.Most} replicas, target {spec.Scaling.Target} {(spec.Scaling.CountsTokens ? "tokens/s" : "requests")} per replica"
        );

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
