using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class BalancersApiTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Balancers = "/v1/accounts/acct-a/balancers";

    private const string Full = """
        {"servingName":"front","requestId":"one","spec":{
          "routingMode":"ROUTING_MODE_INTENT_CLASSIFIER",
          "routes":[
            {"name":"code","intent":"programs","targetGroup":"coders","priority":3,"enabled":false},
            {"name":"rest","instance":"chat","default":true}],
          "targetGroups":[{"name":"coders","policy":"GROUP_POLICY_LEAST_OUTSTANDING",
            "members":[{"instance":"coder-a","weight":3},{"instance":"coder-b"}]}],
          "router":{"instance":"router","deadline":"1.5s"},
          "health":{"probeInterval":"0s","consecutiveFailures":9}}}
        """;

    [Fact]
    public async Task A_created_balancer_is_read_back_with_its_defaults()
    {
        var created = await api.SendAsync("POST", Balancers, api.KeyOfA, Full);
        Assert.Equal(200, created.Status);
        var name = created.Json.GetProperty("name").GetString()!;
        var read = await api.SendAsync("GET", "/v1/" + name, api.KeyOfA);

        var spec = read.Json.GetProperty("spec");
        Assert.Equal(created.Json.GetProperty("spec").ToString(), spec.ToString());
        Assert.Equal("ROUTING_MODE_INTENT_CLASSIFIER", spec.GetProperty("routingMode").GetString());
        Assert.False(spec.GetProperty("routes")[0].GetProperty("enabled").GetBoolean());
        Assert.True(spec.GetProperty("routes")[1].GetProperty("enabled").GetBoolean());
        Assert.Equal(1, spec.GetProperty("targetGroups")[0].GetProperty("members")[1].GetProperty("weight").GetInt32());
        Assert.Equal("1.500s", spec.GetProperty("router").GetProperty("deadline").GetString());
        var health = spec.GetProperty("health");
        Assert.Equal("0s", health.GetProperty("probeInterval").GetString());
        Assert.Equal(9, health.GetProperty("consecutiveFailures").GetInt32());
        Assert.Equal("300s", health.GetProperty("ejectAtMost").GetString());

        var again = await api.SendAsync("POST", Balancers, api.KeyOfA, Full);
        Assert.Equal(name, again.Json.GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("GROUP_POLICY_SESSION", ",\"loadBoundPercent\":150", 150)]
    [InlineData("GROUP_POLICY_PREFIX", "", null)]
    public async Task A_group_that_remembers_is_read_back(string policy, string bound, int? read)
    {
        var created = await api.SendAsync(
            "POST",
            Balancers,
            api.KeyOfA,
            $$$"""
            {"servingName":"front-{{{policy[^3..].ToLowerInvariant()}}}","spec":{"routingMode":"ROUTING_MODE_ORDERED",
              "routes":[{"name":"all","targetGroup":"g","default":true}],
              "targetGroups":[{"name":"g","policy":"{{{policy}}}"{{{bound}}},"members":[{"instance":"coder-a"}]}]}}
            """
        );

        Assert.Equal(200, created.Status);
        var group = created.Json.GetProperty("spec").GetProperty("targetGroups")[0];
        Assert.Equal(policy, group.GetProperty("policy").GetString());
        Assert.Equal(read, group.TryGetProperty("loadBoundPercent", out var percent) ? percent.GetInt32() : null);
    }

    [Fact]
    public async Task All_validation_errors_are_reported_in_one_answer()
    {
        const string body = """
            {"servingName":"Front","requestId":"a b","spec":{
              "routingMode":"ROUTING_MODE_UNSPECIFIED","wings":2,
              "routes":[
                {"name":"a b","instance":"chat","priority":2000},
                {"name":"c","targetGroup":"none","default":true,"enabled":false},
                {"name":"c","instance":"Chat"}],
              "targetGroups":[{"name":"g","members":[{"instance":"x","weight":0}]}],
              "firewall":"No Slug",
              "health":{"window":"100000s","ejectFor":"0.5s","errorPercent":0}}}
            """;
        var answer = await api.SendAsync("POST", Balancers, api.KeyOfA, body);

        Assert.Equal((400, "INVALID_REQUEST"), (answer.Status, answer.Reason));
        string[] wanted =
        [
            "request_id",
            "serving_name",
            "spec.firewall",
            "spec.health.eject_for",
            "spec.health.error_percent",
            "spec.health.window",
            "spec.routes[0].name",
            "spec.routes[0].priority",
            "spec.routes[1].enabled",
            "spec.routes[1].target_group",
            "spec.routes[2].instance",
            "spec.routes[2].name",
            "spec.routing_mode",
            "spec.target_groups[0].members[0].weight",
            "spec.target_groups[0].policy",
            "spec.wings",
        ];
        Assert.Equal(wanted, answer.Fields.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_detail_shows_destinations_per_gateway_and_recent_failures()
    {
        var created = await api.SendAsync(
            "POST",
            Balancers,
            api.KeyOfA,
            Full.Replace("\"one\"", "\"two\"", StringComparison.Ordinal)
        );
        var name = created.Json.GetProperty("name").GetString()!;
        var noon = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        await api
            .Cluster.Balancer(new BalancerId(name.Split('/')[^1]))
            .ObserveAsync(
                new BalancerReport(
                    "door-a",
                    noon,
                    [
                        new DestinationView
                        {
                            ServingName = "chat",
                            Instance = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
                            State = InstanceState.Running,
                            Condition = DestinationCondition.Ejected,
                            EjectedUntil = noon.AddSeconds(10),
                            Ejections = 1,
                            Share = 1000,
                        },
                        new DestinationView { ServingName = "coder-a", Share = 1000 },
                    ],
                    [
                        new DestinationFailure(
                            noon,
                            "chat",
                            new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
                            FailureCode.RuntimeError,
                            "Look into it.",
                            new RequestId("req-7")
                        ),
                    ]
                )
            );

        var read = await api.SendAsync("GET", "/v1/" + name, api.KeyOfA);
        var destinations = read.Json.GetProperty("doors")[0].GetProperty("destinations");
        Assert.Equal("DESTINATION_CONDITION_EJECTED", destinations[0].GetProperty("condition").GetString());
        Assert.Equal("2026-03-01T12:00:10Z", destinations[0].GetProperty("ejectedUntil").GetString());
        Assert.Equal(0, destinations[0].GetProperty("sharePermille").GetInt32());
        Assert.Equal("DESTINATION_CONDITION_NOT_RUNNING", destinations[1].GetProperty("condition").GetString());
        var failure = read.Json.GetProperty("recentFailures")[0];
        Assert.Equal("RUNTIME_ERROR", failure.GetProperty("code").GetString());
        Assert.Equal("Look into it.", failure.GetProperty("hint").GetString());
        Assert.Equal("req-7", failure.GetProperty("requestId").GetString());
        Assert.Equal("accounts/acct-a/instances/i-aaaaaaaaaaaaaaaaaaaa", failure.GetProperty("instance").GetString());

        var listed = await api.SendAsync("GET", Balancers + "?pageSize=1000", api.KeyOfA);
        Assert.All(
            listed.Json.GetProperty("balancers").EnumerateArray(),
            balancer => Assert.Equal(0, balancer.GetProperty("doors").GetArrayLength())
        );
    }
}
