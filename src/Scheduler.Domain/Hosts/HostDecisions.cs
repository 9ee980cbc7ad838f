using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Secrets;

namespace Scheduler.Domain.Hosts;

/// <summary>Changes of the joined hosts: pure. Each returns the whole set of the next write. Events contain no secret.</summary>
public static class HostDecisions
{
    public static HostSet SetAuthority(HostSet set, string certificate, SealedValue key, in Cause cause) =>
        Written(
            set with
            {
                Authority = certificate,
                AuthorityKey = key,
            },
            "HostAuthorityMade",
            "The authority of the hosts' certificates was made.",
            "",
            cause
        );

    /// <summary>The same authority under another master key; no event, because nothing changes for anyone.</summary>
    public static HostSet Rewrap(HostSet set, SealedValue key) => set with { AuthorityKey = key, Events = [] };

    public static HostSet AddToken(HostSet set, StoredJoinToken token, in Cause cause) =>
        Written(
            set with
            {
                Tokens = [.. Usable(set.Tokens, cause.Now), token],
            },
            "JoinTokenCreated",
            $"Join token {token.Id} was created for {token.MaxUses} host(s), until {token.ExpiresAt:u}.",
            token.Id,
            cause
        );

    public static HostSet RemoveToken(HostSet set, string id, in Cause cause) =>
        Written(
            set with
            {
                Tokens = Usable(set.Tokens, cause.Now).RemoveAll(token => token.Id == id),
            },
            "JoinTokenDeleted",
            $"Join token {id} was deleted.",
            id,
            cause
        );

    /// <summary>Adds a host and counts the use of its token.</summary>
    public static HostSet Join(HostSet set, JoinedHost host, in Cause cause) =>
        Written(
            With(set, host) with
            {
                Tokens = Usable(
                    [
                        .. set.Tokens.Select(token =>
                            token.Id == host.TokenId ? token with { Uses = token.Uses + 1 } : token
                        ),
                    ],
                    cause.Now
                ),
            },
            "HostJoined",
            $"{host.Name} joined at {host.Address} with token {host.TokenId}.",
            host.Name,
            cause
        );

    public static HostSet Renew(HostSet set, JoinedHost host, in Cause cause) =>
        Written(
            With(set, host),
            "HostCertificateRenewed",
            $"{host.Name} got a certificate until {host.CertificateUntil:u}.",
            host.Name,
            cause
        );

    /// <param name="order">Null takes it back into placement.</param>
    public static HostSet Drain(HostSet set, JoinedHost host, DrainOrder? order, in Cause cause) =>
        Written(
            With(set, host with { Drain = order }),
            order is null ? "HostUndrained" : "HostDrained",
            order switch
            {
                null => $"{host.Name} was taken back into placement.",
                { Reason.Length: 0 } => $"{host.Name} was taken out of placement.",
                _ => $"{host.Name} was taken out of placement: {order.Reason}",
            },
            host.Name,
            cause
        );

    public static HostSet Remove(HostSet set, JoinedHost host, in Cause cause) =>
        Written(
            set with
            {
                Hosts = set.Hosts.RemoveAll(other => other.Name == host.Name),
            },
            "HostRemoved",
            $"{host.Name} was removed.",
            host.Name,
            cause
        );

    private static HostSet With(HostSet set, JoinedHost host) =>
        set with
        {
            Hosts =
            [
                .. set
                    .Hosts.Where(other => other.Name != host.Name)
                    .Append(host)
                    .OrderBy(other => other.Name, StringComparer.Ordinal),
            ],
        };

    private static ImmutableArray<StoredJoinToken> Usable(ImmutableArray<StoredJoinToken> tokens, DateTimeOffset now) =>
        tokens.RemoveAll(token => !token.IsUsable(now));

    private static HostSet Written(HostSet next, string trigger, string reason, string name, in Cause cause) =>
        next with
        {
            SchemaVersion = HostSet.CurrentSchemaVersion,
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
                    Data =
                        name.Length == 0
                            ? ImmutableSortedDictionary<string, string>.Empty
                            : ImmutableSortedDictionary<string, string>.Empty.Add("name", name),
                },
            ],
            LastSequence = next.LastSequence + 1,
        };
}
