using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Firewalls;

/// <summary>All rules and firewalls of one account. State name <c>firewalls</c>.</summary>
/// <remarks>
/// The words of the account's own rules are stored once; firewalls name these rules by slug. Therefore one write
/// changes a rule together with the versions of all firewalls that use it.
/// </remarks>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallSet")]
public sealed record FirewallSet : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary>
    /// Rules of its own that an account may have. With rules of the greatest length the state stays below 200 kB.
    /// </summary>
    public const int MostRules = 64;

    /// <summary>Firewalls that an account may have.</summary>
    public const int MostFirewalls = 64;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>The account's own rules, in order of slug.</summary>
    [Id(2)]
    public ImmutableArray<FirewallRuleRecord> Rules { get; init; } = [];

    /// <summary>In order of slug.</summary>
    [Id(3)]
    public ImmutableArray<StoredFirewall> Firewalls { get; init; } = [];

    /// <summary>
    /// The last versions of what was deleted, the latest deletion last; see <see cref="FirewallDecisions"/>.
    /// </summary>
    [Id(4)]
    public ImmutableArray<RetiredVersion> Retired { get; init; } = [];

    /// <summary>
    /// No version up to this one is used again under a slug that is neither present nor in <see cref="Retired"/>.
    /// </summary>
    [Id(5)]
    public long ForgottenVersion { get; init; }

    [Id(6)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(7)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event; it rises with every change.</summary>
    [Id(8)]
    public long LastSequence { get; init; }

    /// <summary>Whether the account never had a rule or a firewall.</summary>
    [JsonIgnore]
    public bool IsBlank => Rules.IsEmpty && Firewalls.IsEmpty && LastSequence == 0;

    /// <summary>One of the account's own rules; null when there is none of this slug.</summary>
    public FirewallRuleRecord? FindRule(string slug) => Rules.FirstOrDefault(rule => rule.Slug == slug);

    /// <summary>A firewall with the rules as the judge is asked; null when there is none of this slug.</summary>
    public FirewallRecord? FindFirewall(string slug) =>
        Firewalls.FirstOrDefault(firewall => firewall.Slug == slug) is { } stored ? ViewOf(stored) : null;

    /// <summary>
    /// Rules that the account can use, in order of slug: its own and the shipped ones, which have version 0.
    /// </summary>
    public IEnumerable<FirewallRuleRecord> ListRules(string afterSlug) =>
        Rules
            .Concat(ShippedRules.All.Select(rule => new FirewallRuleRecord { Rule = rule }))
            .DistinctBy(rule => rule.Slug, StringComparer.Ordinal)
            .Where(rule => string.CompareOrdinal(rule.Slug, afterSlug) > 0)
            .OrderBy(rule => rule.Slug, StringComparer.Ordinal);

    /// <summary>Firewalls in order of slug.</summary>
    public IEnumerable<FirewallRecord> ListFirewalls(string afterSlug) =>
        Firewalls.Where(firewall => string.CompareOrdinal(firewall.Slug, afterSlug) > 0).Select(ViewOf);

    /// <summary>Slugs of the firewalls that use one of the account's own rules.</summary>
    public ImmutableArray<string> UsersOf(string rule) =>
        [
            .. Firewalls
                .Where(firewall =>
                    firewall.Draft.Rules.Contains(rule, StringComparer.Ordinal) && firewall.CopyOf(rule) is null
                )
                .Select(firewall => firewall.Slug),
        ];

    private FirewallRecord ViewOf(StoredFirewall stored) =>
        new()
        {
            Account = Account,
            Slug = stored.Slug,
            Draft = stored.Draft,
            // A rule that is used is not deleted, so each slug has its rule.
            Rules =
            [
                .. stored.Draft.Rules.Select(slug =>
                    stored.CopyOf(slug) ?? Rules.First(rule => rule.Slug == slug).Rule
                ),
            ],
            Version = stored.Version,
            CreatedAt = stored.CreatedAt,
            UpdatedAt = stored.UpdatedAt,
        };
}

/// <summary>A firewall as it is stored.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.StoredFirewall")]
public sealed record StoredFirewall
{
    /// <summary>Its name in requests; unique in the account.</summary>
    [Id(0)]
    public string Slug { get; init; } = "";

    [Id(1)]
    public FirewallDraft Draft { get; init; } = new();

    /// <summary>
    /// Copies of the shipped rules that it uses: a newer build changes no firewall by itself. The next change of the
    /// firewall takes the new words.
    /// </summary>
    [Id(2)]
    public ImmutableArray<FirewallRule> Shipped { get; init; } = [];

    /// <inheritdoc cref="FirewallRecord.Version"/>
    [Id(3)]
    public long Version { get; init; }

    [Id(4)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it or one of its rules was last changed.</summary>
    [Id(5)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The copy of a shipped rule; null for a rule of the account.</summary>
    public FirewallRule? CopyOf(string rule) => Shipped.FirstOrDefault(copy => copy.Slug == rule);
}

/// <summary>The last version of a rule or firewall that was deleted.</summary>
/// <param name="Name"><c>rules/{slug}</c> or <c>firewalls/{slug}</c>.</param>
/// <param name="Version">A rule or firewall of the same slug continues after it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RetiredVersion")]
public sealed record RetiredVersion([property: Id(0)] string Name, [property: Id(1)] long Version);
