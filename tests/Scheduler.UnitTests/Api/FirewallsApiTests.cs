using Scheduler.Domain.Firewalls;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class FirewallsApiTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task Every_account_can_list_the_shipped_rules_in_pages()
    {
        var first = await api.SendAsync("GET", "/v1/accounts/acct-a/rules?pageSize=10", api.KeyOfA);
        var token = first.Json.GetProperty("nextPageToken").GetString();
        var second = await api.SendAsync("GET", $"/v1/accounts/acct-a/rules?pageSize=10&pageToken={token}", api.KeyOfA);
        var names = new[] { first, second }
            .SelectMany(page => page.Json.GetProperty("rules").EnumerateArray())
            .Select(rule => rule.GetProperty("name").GetString())
            .ToList();
        Assert.Equal(ShippedRules.All.Select(rule => $"accounts/acct-a/rules/{rule.Slug}"), names);
        Assert.Equal("", second.Json.GetProperty("nextPageToken").GetString());
    }

    [Fact]
    public async Task A_shipped_rule_is_readable_in_every_account_and_cannot_be_deleted()
    {
        var rule = (await api.SendAsync("GET", "/v1/accounts/acct-b/rules/jailbreak", api.KeyOfB)).Json;
        Assert.True(rule.GetProperty("shipped").GetBoolean());
        Assert.Equal("RULE_SEVERITY_HIGH", rule.GetProperty("severity").GetString());
        Assert.Equal(404, (await api.SendAsync("GET", "/v1/accounts/acct-b/rules/jailbreak", api.KeyOfA)).Status);
        Assert.Equal(404, (await api.SendAsync("DELETE", "/v1/accounts/acct-b/rules/jailbreak", api.KeyOfB)).Status);
    }

    [Fact]
    public async Task An_update_changes_only_the_fields_it_names()
    {
        var made = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/firewalls",
            api.KeyOfA,
            """{"firewallId":"strict","mode":"FIREWALL_MODE_BLOCK","judge":"judge","rules":["jailbreak"],"judgeDeadline":"1.500s"}"""
        );
        Assert.Equal("1.500s", made.Json.GetProperty("judgeDeadline").GetString());
        var changed = await api.SendAsync(
            "PATCH",
            "/v1/accounts/acct-a/firewalls/strict",
            api.KeyOfA,
            """{"mode":"FIREWALL_MODE_AUDIT","keepPrompt":true,"judgeSeesImages":true}"""
        );
        Assert.Equal("FIREWALL_MODE_AUDIT", changed.Json.GetProperty("mode").GetString());
        Assert.Equal("1.500s", changed.Json.GetProperty("judgeDeadline").GetString());
        Assert.True(changed.Json.GetProperty("keepPrompt").GetBoolean());
        Assert.True(changed.Json.GetProperty("judgeSeesImages").GetBoolean());
        Assert.Equal("judge", changed.Json.GetProperty("judge").GetString());
        Assert.Equal(2, changed.Json.GetProperty("version").GetInt64());
    }

    [Fact]
    public async Task Evaluate_is_unavailable_in_a_process_without_judges()
    {
        await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/firewalls",
            api.KeyOfA,
            """{"firewallId":"tried","mode":"FIREWALL_MODE_BLOCK","judge":"judge","rules":["jailbreak"]}"""
        );
        var tried = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/firewalls/tried:evaluate",
            api.KeyOfA,
            """{"text":"hi"}"""
        );
        Assert.Equal((503, "UNAVAILABLE"), (tried.Status, tried.Reason));
    }

    [Theory]
    [InlineData("POST", "/v1/accounts/acct-a/rules", """{"ruleId":"Bad Slug"}""", "rule_id")]
    [InlineData("POST", "/v1/accounts/acct-a/firewalls", """{"firewallId":"-x"}""", "firewall_id")]
    [InlineData("POST", "/v1/accounts/acct-a/firewalls/x:evaluate", """{"text":""}""", "text")]
    [InlineData("PATCH", "/v1/accounts/acct-a/firewalls/x", """{"ifVersion":0}""", "if_version")]
    [InlineData("GET", "/v1/accounts/acct-a/evaluations?firewall=A", null, "firewall")]
    [InlineData("GET", "/v1/accounts/acct-a/firewalls/Bad", null, "name")]
    public async Task An_invalid_request_is_refused_naming_the_field(
        string verb,
        string path,
        string? body,
        string field
    )
    {
        var answer = await api.SendAsync(verb, path, api.KeyOfA, body);
        Assert.Equal((400, "INVALID_REQUEST"), (answer.Status, answer.Reason));
        Assert.Equal([field], answer.Fields);
    }
}
