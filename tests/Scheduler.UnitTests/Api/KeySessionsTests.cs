using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Grains;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class KeySessionsTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly DateTimeOffset Later = TimeProvider.System.GetUtcNow().AddHours(5);

    [Fact]
    public async Task The_sessions_of_a_key_are_listed_and_ended_one_by_one_or_all()
    {
        var token = await api.KeyAsync(new AccountId("acct-a"));
        var id = ApiFixture.KeyIdOf(token);
        foreach (var name in new[] { "s1", "s2", "s3" })
        {
            await api.Cluster.Key(id).BeginSessionAsync(new KeySession(name, Later));
        }

        var path = $"/v1/accounts/acct-a/keys/{id}";
        Assert.Equal(["s1", "s2", "s3"], Ids(await api.SendAsync("GET", $"{path}/sessions", api.KeyOfA)));
        Assert.Equal(
            ["s1", "s3"],
            Ids(await api.SendAsync("POST", $"{path}:endSessions", api.KeyOfA, """{"session_ids":["s2"]}"""))
        );
        Assert.False(await api.Authority.IsOpenAsync(id, new KeySession("s2", Later)));
        Assert.True(await api.Authority.IsOpenAsync(id, new KeySession("s1", Later)));
        Assert.Empty(Ids(await api.SendAsync("POST", $"{path}:endSessions", api.KeyOfA, "{}")));
        Assert.False(await api.Authority.IsOpenAsync(id, new KeySession("s1", Later)));
        Assert.Equal(404, (await api.SendAsync("GET", $"/v1/accounts/acct-b/keys/{id}/sessions", api.KeyOfB)).Status);
    }

    /// <summary>Counts work instead of measuring time: the grains that a request calls, in order.</summary>
    [Theory]
    [InlineData("GET", "", null)]
    [InlineData("GET", "/usage", null)]
    [InlineData("GET", "/sessions", null)]
    [InlineData("POST", ":revoke", "{}")]
    [InlineData("POST", ":endSessions", "{}")]
    public async Task INV_08_a_key_of_another_account_costs_the_same_work_as_one_that_does_not_exist(
        string verb,
        string suffix,
        string? body
    )
    {
        var foreign = await CallsAsync(ApiFixture.KeyIdOf(api.KeyOfA));
        var unknown = await CallsAsync("key-bbbbbbbbbbbb");
        Assert.Equal(foreign, unknown);
        Assert.DoesNotContain(foreign, call => call.Contains("THE KEY", StringComparison.Ordinal));

        async Task<List<string>> CallsAsync(string id)
        {
            // The caller's own key is known from here on, so that its check costs nothing.
            await api.SendAsync("GET", "/v1/accounts/acct-b", api.KeyOfB);
            api.Cluster.Calls.Clear();
            var answer = await api.SendAsync(verb, $"/v1/accounts/acct-b/keys/{id}{suffix}", api.KeyOfB, body);
            Assert.Equal(404, answer.Status);
            return
            [
                .. api
                    .Cluster.Calls.Where(call =>
                        !call.Contains(ApiFixture.KeyIdOf(api.KeyOfB), StringComparison.Ordinal)
                    )
                    .Select(call => call.Replace(id, "THE KEY", StringComparison.Ordinal)),
            ];
        }
    }

    private static List<string> Ids(HttpAnswer answer) =>
        [
            .. answer
                .Json.GetProperty("sessions")
                .EnumerateArray()
                .Select(session => session.GetProperty("sessionId").GetString()!)
                .Order(StringComparer.Ordinal),
        ];
}
