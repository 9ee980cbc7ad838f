using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Gateway;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Balancers;

/// <summary>Target groups whose policy keeps requests that belong together at one member.</summary>
public sealed class AffinityGatewayTests
{
    private const string Chat = "/v1/chat/completions";

    private static readonly string[] Names = ["a", "b", "c"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"model":"front","user":"SESSION","messages":[]}""", false)]
    [InlineData("""{"model":"front","user":"RANDOM","prompt_cache_key":"SESSION","messages":[]}""", false)]
    [InlineData("""{"model":"front","user":"RANDOM","prompt_cache_key":"RANDOM","messages":[]}""", true)]
    public async Task A_session_stays_at_one_member_and_sessions_are_shared(string body, bool isHeader)
    {
        await using var gateway = await StartAsync(GroupPolicy.Session);
        var members = new HashSet<string>(StringComparer.Ordinal);
        for (var session = 0; session < 16; session++)
        {
            var went = new HashSet<string>(StringComparer.Ordinal);
            for (var turn = 0; turn < 3; turn++)
            {
                var text = body.Replace("SESSION", $"s-{session}").Replace("RANDOM", $"{Guid.NewGuid()}");
                went.Add(await WhereAsync(gateway, text, isHeader ? $"s-{session}" : null));
            }

            members.Add(Assert.Single(went));
        }

        Assert.Equal(Names, members.Order());
    }

    [Fact]
    public async Task Requests_without_a_session_go_where_the_fewest_are()
    {
        await using var gateway = await StartAsync(GroupPolicy.Session);
        var went = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            went.Add(await WhereAsync(gateway, """{"model":"front","user":7,"messages":[]}"""));
        }

        Assert.All(Names, name => Assert.Equal(2, went.Count(one => one == name)));
    }

    [Fact]
    public async Task All_turns_of_a_chat_go_to_one_member_and_move_only_when_it_stops()
    {
        await using var gateway = await StartAsync(GroupPolicy.Prefix);
        var before = new List<string>();
        for (var chat = 0; chat < 16; chat++)
        {
            var went = new HashSet<string>(StringComparer.Ordinal);
            for (var turns = 1; turns <= 3; turns++)
            {
                went.Add(await WhereAsync(gateway, Body(chat, turns)));
            }

            before.Add(Assert.Single(went));
        }

        var stopped = (FakeInstance)gateway.Cluster.Instance(new InstanceId("i-a"));
        stopped.Put(stopped.Record with { State = InstanceState.Stopping });
        await Eventually.UntilAsync(
            async () => await WhereAsync(gateway, Body(before.IndexOf("a"), 1)),
            name => name != "a",
            "the gateway knows that the member stops"
        );
        for (var chat = 0; chat < 16; chat++)
        {
            var after = await WhereAsync(gateway, Body(chat, 4));
            Assert.True(before[chat] == "a" ? after != "a" : after == before[chat]);
        }
    }

    [Theory]
    [InlineData("""[{"role":"system","content":"s"},{"role":"user","content":"q"}]""", 62)]
    [InlineData("""[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"assistant"}]""", 62)]
    [InlineData("""[{"content":"q","name":{"role":"user"}},{"role":"user"}]""", 55)]
    [InlineData("""[{"role":"system","content":"s"}]""", 33)]
    [InlineData("\"user\"", 6)]
    public void The_beginning_of_a_chat_ends_with_the_first_message_of_the_user(string messages, int length)
    {
        var request = Read($$"""{"model":"front","messages":{{messages}}}""");
        Assert.Equal(
            messages[..length].TrimEnd(']'),
            Encoding.UTF8.GetString(AffinityKeys.Beginning(request).Span).TrimEnd(']')
        );
    }

    [Fact]
    public void Of_a_long_prompt_the_first_4000_bytes_count()
    {
        var (one, other) = (Long("x"), Long("y"));
        Assert.Equal(4000, AffinityKeys.Beginning(one).Length);
        Assert.Equal(Key(one), Key(other));
        Assert.NotEqual(Key(one), Key(Read("""{"model":"front","messages":[]}""")));

        static InferenceRequest Long(string end) =>
            Read($$"""{"model":"front","messages":[{"role":"system","content":"{{new string('s', 4000)}}{{end}}"}]}""");

        static ulong? Key(InferenceRequest request) =>
            AffinityKeys.Of(GroupPolicy.Prefix, new DefaultHttpContext(), request);
    }

    private static InferenceRequest Read(string body) =>
        RequestReader.Read(RequestKind.Chat, Encoding.UTF8.GetBytes(body));

    private static string Body(int chat, int turns)
    {
        var messages = new JsonArray(new JsonObject { ["role"] = "system", ["content"] = "You are a test." });
        for (var turn = 0; turn < turns; turn++)
        {
            messages.Add(new JsonObject { ["role"] = "user", ["content"] = $"question {turn} of {chat}" });
            messages.Add(new JsonObject { ["role"] = "assistant", ["content"] = $"answer {turn}" });
        }

        return new JsonObject { ["model"] = "front", ["messages"] = messages }.ToJsonString();
    }

    private static async Task<string> WhereAsync(GatewayFixture gateway, string body, string? session = null)
    {
        using var response = await gateway.SendAsync(
            "POST",
            Chat,
            new StringContent(body, Encoding.UTF8, "application/json"),
            session is null ? [] : [("X-Session-Id", session)]
        );
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Ct));
        return response.Headers.GetValues("X-Instance").Single();
    }

    private static async Task<GatewayFixture> StartAsync(GroupPolicy policy)
    {
        var gateway = await GatewayFixture.StartAsync();
        foreach (var name in Names)
        {
            await gateway.ServeAsync(
                name,
                http =>
                {
                    http.Response.ContentType = "application/json";
                    return http.Response.WriteAsync("{}", Ct);
                }
            );
        }

        var balancer = gateway.Balance(null, Names);
        var spec = balancer.Record.Spec;
        balancer.Put(balancer.Record with { Spec = spec with { Groups = [spec.Groups[0] with { Policy = policy }] } });
        return gateway;
    }
}
