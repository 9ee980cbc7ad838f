using System.Text.Json.Nodes;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.Storage;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>
/// A database of the builds in which each rule and each firewall was a state of its own is opened by this one. The
/// states are the golden files of their last version.
/// </summary>
public abstract class FirewallMigrationTests(StoreFixture fixture, string database, int step) : IAsyncLifetime
{
    private static readonly AccountId A = new("acct-a");
    private static readonly CommandContext Command = new(new RequestId("req-9"), "test", null);
    private readonly StoreFixture _fixture = fixture;

    public async ValueTask InitializeAsync()
    {
        await _fixture.OpenAsync();
        await EmptyAsync();
        foreach (var script in SchemaScript.ReadAll(database).Where(script => script.Version < step))
        {
            _fixture.Sql(script.Text);
            _fixture.Sql(
                $"INSERT INTO schema_version VALUES ({script.Version}, '{script.Name}', '2026-03-01T12:00:00.000Z')"
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _fixture.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Rules_firewalls_and_their_versions_are_found_again()
    {
        // The golden rule is used by `strict`, which has its latest words, and by `watch`, which had yet to take them
        // over.
        await OpenWithAsync(
            ("rule", "rule-acct-a/ours", Golden("FirewallRuleRecord")),
            ("firewall", "firewall-acct-a/strict", Golden("FirewallRecord")),
            ("firewall", "firewall-acct-a/watch", Watch())
        );

        var ours = (await Firewalls(A).GetRuleAsync("ours", A)).Value!;
        Assert.Equal((2, "Is it about us?"), (ours.Version, ours.Rule.Prompt));
        var strict = (await Firewalls(A).GetAsync("strict", A)).Value!;
        Assert.Equal((A, "Strict", 4), (strict.Account, strict.Draft!.Name, strict.Version));
        Assert.Equal(TimeSpan.FromMilliseconds(1500), strict.Draft.JudgeDeadline);
        Assert.Equal(ours.Rule, Assert.Single(strict.Rules));
        var watch = (await Firewalls(A).GetAsync("watch", A)).Value!;
        Assert.Equal(["old words of a shipped rule", ours.Rule.Prompt], watch.Rules.Select(rule => rule.Prompt));
        Assert.Equal(5, watch.Version);
        Assert.Empty(_fixture.Sql("SELECT id FROM agenda"));
    }

    [Fact]
    public async Task A_rule_stays_attached_to_its_firewalls()
    {
        await OpenWithAsync(
            ("rule", "rule-acct-a/ours", Golden("FirewallRuleRecord")),
            ("firewall", "firewall-acct-a/strict", Golden("FirewallRecord"))
        );

        var refused = (await Firewalls(A).DeleteRuleAsync("ours", Command)).Refusal!;
        Assert.Contains("in use by firewall 'strict'", refused.Message, StringComparison.Ordinal);
        var ours = (await Firewalls(A).GetRuleAsync("ours", A)).Value!;
        var changed = ours.Rule with { Prompt = "Is it about them?" };
        Assert.Equal(3, (await Firewalls(A).UpdateRuleAsync(changed, 2, Command)).Value!.Version);
        var strict = (await Firewalls(A).GetAsync("strict", A)).Value!;
        Assert.Equal((5, changed), (strict.Version, strict.Rules[0]));
    }

    [Fact]
    public async Task What_was_deleted_stays_deleted_and_its_version_is_not_used_again()
    {
        var rule = Golden("FirewallRuleRecord");
        rule.Remove("rule");
        var firewall = Golden("FirewallRecord");
        firewall.Remove("draft");
        firewall["rules"] = new JsonArray();
        await OpenWithAsync(
            ("rule", "rule-acct-a/ours", rule),
            ("firewall", "firewall-acct-a/strict", firewall),
            ("rule", "rule-acct-a/cleared", null)
        );

        var found = await Firewalls(A).WaitForChangeAsync(-1, TestContext.Current.CancellationToken);
        Assert.Empty(found.Rules);
        Assert.Empty(found.Firewalls);
        Assert.Equal(
            [("rules/ours", 2L), ("firewalls/strict", 4L)],
            found.Retired.Select(one => (one.Name, one.Version))
        );
        var own = new FirewallRule
        {
            Slug = "ours",
            Name = "Again",
            Prompt = "Is it?",
            Category = "policy",
            Severity = RuleSeverity.Low,
        };
        Assert.Equal(3, (await Firewalls(A).CreateRuleAsync(own, Command)).Value!.Version);
    }

    [Fact]
    public async Task Each_account_gets_its_own_and_opening_again_changes_nothing()
    {
        var theirs = Golden("FirewallRuleRecord");
        theirs["account"] = "acct-b";
        await OpenWithAsync(
            ("rule", "rule-acct-a/ours", Golden("FirewallRuleRecord")),
            ("rule", "rule-acct-b/ours", theirs)
        );

        var states = _fixture.Sql("SELECT id, payload FROM states WHERE kind = 'firewalls' ORDER BY id");
        Assert.Equal(["firewalls-acct-a", "firewalls-acct-b"], states.Select(row => row[0]));
        Assert.Equal(
            ["acct-a", "acct-b"],
            _fixture.Sql("SELECT account FROM entities WHERE kind = 'firewalls' ORDER BY id").Select(row => row[0])
        );
        await _fixture.StopSilosAsync();
        await _fixture.ReopenAsync();
        Assert.Equal(states, _fixture.Sql("SELECT id, payload FROM states WHERE kind = 'firewalls' ORDER BY id"));
    }

    [Fact]
    public async Task The_timelines_from_before_are_kept()
    {
        await OpenWithAsync(("firewall", "firewall-acct-a/strict", Golden("FirewallRecord")));
        Assert.Equal(
            [
                ["firewall-acct-a/strict", 3L],
            ],
            _fixture.Sql("SELECT id, sequence FROM events WHERE kind = 'firewall'")
        );
    }

    /// <summary>Removes all that opening made, and leaves the store closed or unused.</summary>
    protected abstract Task EmptyAsync();

    protected async Task OpenWithAsync(params (string Kind, string Id, JsonObject? State)[] states)
    {
        foreach (var (kind, id, state) in states)
        {
            var payload = state is null ? "NULL" : $"'{state.ToJsonString()}'";
            _fixture.Sql(
                $"INSERT INTO states (kind, id, n0, n1, version, payload) VALUES ('{kind}', '{id}', 0, 0, 1, {payload})"
            );
        }

        await _fixture.ReopenAsync();
        await _fixture.StartSilosAsync();
    }

    protected static JsonObject Golden(string state) =>
        JsonNode
            .Parse(
                File.ReadAllText(
                    Repository.Path("tests", "Scheduler.UnitTests", "Storage", "Golden", "Past", $"{state}.v1.json")
                )
            )!
            .AsObject();

    private IFirewallGrain Firewalls(AccountId account) => _fixture.Grains.Firewalls(account);

    private static JsonObject Watch()
    {
        var watch = Golden("FirewallRecord");
        var (shipped, old) = (watch["rules"]![0]!.DeepClone(), watch["rules"]![0]!.DeepClone());
        (shipped["slug"], shipped["prompt"]) = ("jailbreak", "old words of a shipped rule");
        old["prompt"] = "old words";
        watch["slug"] = "watch";
        watch["draft"]!["rules"] = new JsonArray("jailbreak", "ours");
        watch["rules"] = new JsonArray(shipped, old);
        return watch;
    }
}

public sealed class FirewallMigrationTestsOnSqlite : FirewallMigrationTests
{
    private readonly SqliteFixture _fixture;

    public FirewallMigrationTestsOnSqlite()
        : this(new SqliteFixture()) { }

    private FirewallMigrationTestsOnSqlite(SqliteFixture fixture)
        : base(fixture, "Sqlite", 5) => _fixture = fixture;

    protected override Task EmptyAsync()
    {
        _fixture.Open.Dispose();
        File.Delete(_fixture.File);
        return Task.CompletedTask;
    }
}

public sealed class FirewallMigrationTestsOnPostgreSql : FirewallMigrationTests
{
    private readonly PostgreSqlFixture _fixture;

    public FirewallMigrationTestsOnPostgreSql()
        : this(new PostgreSqlFixture()) { }

    private FirewallMigrationTestsOnPostgreSql(PostgreSqlFixture fixture)
        : base(fixture, "PostgreSql", 6) => _fixture = fixture;

    [Fact]
    public async Task Silos_of_the_build_before_read_the_old_states_and_write_none()
    {
        await OpenWithAsync(("firewall", "firewall-acct-a/strict", Golden("FirewallRecord")));
        Assert.Empty(_fixture.Sql("UPDATE states SET payload = '{}' WHERE kind = 'firewall' RETURNING id"));
        Assert.Empty(
            _fixture.Sql(
                "SELECT new_version FROM write_states(ARRAY['rule'], ARRAY['rule-acct-a/new'], ARRAY[0::bigint], ARRAY[0::bigint], ARRAY[NULL::integer], ARRAY['{}'])"
            )
        );
        Assert.Single(_fixture.Sql("SELECT 1 FROM states WHERE kind = 'firewall' AND payload LIKE '%Strict%'"));
    }

    protected override async Task EmptyAsync()
    {
        await Task.Yield();
        _fixture.Sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }
}
