using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Secrets;

/// <summary>Changes of an account's secrets: pure. Each returns the whole set of the next write. Events never contain a value.</summary>
public static class SecretDecisions
{
    /// <summary>Adds a secret or replaces its value.</summary>
    public static SecretSet Put(SecretSet set, string name, SealedValue value, in Cause cause)
    {
        var known = set.Find(name);
        var put = new StoredSecret
        {
            Name = name,
            Version = (known?.Version ?? 0) + 1,
            Sealed = value,
            CreatedAt = known?.CreatedAt ?? cause.Now,
            UpdatedAt = cause.Now,
        };
        var (trigger, reason) = known is null
            ? ("SecretCreated", "The secret was created.")
            : ("SecretRotated", $"Its value was replaced; version {put.Version}.");
        return Written(With(set, put), name, trigger, reason, cause);
    }

    public static SecretSet Remove(SecretSet set, string name, in Cause cause) =>
        Written(
            set with
            {
                Secrets = set.Secrets.RemoveAll(secret => secret.Name == name),
            },
            name,
            "SecretDeleted",
            "The secret was deleted.",
            cause
        );

    /// <summary>Encrypts all secrets under another master key; the same set when none changes.</summary>
    public static SecretSet Rewrap(SecretSet set, Func<StoredSecret, SealedValue> rewrap)
    {
        var next = set.Secrets.Select(secret => secret with { Sealed = rewrap(secret) }).ToImmutableArray();
        return next.SequenceEqual(set.Secrets) ? set : set with { Secrets = next, Events = [] };
    }

    private static SecretSet With(SecretSet set, StoredSecret put) =>
        set with
        {
            Secrets =
            [
                .. set
                    .Secrets.Where(other => other.Name != put.Name)
                    .Append(put)
                    .OrderBy(secret => secret.Name, StringComparer.Ordinal),
            ],
        };

    private static SecretSet Written(SecretSet next, string name, string trigger, string reason, Cause cause) =>
        next with
        {
            Events =
            [
                new StoredEvent
                {
                    Sequence = next.LastSequence + 1,
                    At = cause.Now,
                    Trigger = trigger,
                    Reason = reason,
                    RequestId = cause.RequestId,
                    Actor = cause.Actor,
                    Data = ImmutableSortedDictionary<string, string>.Empty.Add("name", name),
                },
            ],
            LastSequence = next.LastSequence + 1,
        };
}
