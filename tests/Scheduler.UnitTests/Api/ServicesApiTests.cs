using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class ServicesApiTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Services = "/v1/accounts/acct-a/services";

    private const string Full = """
        {"servingName":"svc-full","requestId":"svc-one","labels":{"team":"a"},"spec":{
          "template":{"model":"a/m","contextTokens":"4096"},"minReplicas":0,"maxReplicas":4,
          "scaling":{"targetOutstandingPerReplica":2,"upWindow":"10s","idleToZero":"60s"},
          "hold":{"maxRequests":5},"spot":{"policy":"SPOT_POLICY_NEVER","spares":1},
          "update":{"maxUnavailable":1,"drainTimeout":"30s"},"affinity":"SERVICE_AFFINITY_PREFIX",
          "budget":{"maxPricePerHourMicroEur":"5000000"}}}
        """;

    [Fact]
    public async Task A_created_service_is_read_back_with_its_defaults()
    {
        var created = await api.SendAsync("POST", Services, api.KeyOfA, Full);
        Assert.Equal(200, created.Status);
        var name = created.Json.GetProperty("name").GetString()!;
        var read = await api.SendAsync("GET", "/v1/" + name, api.KeyOfA);

        var spec = read.Json.GetProperty("spec");
        Assert.Equal(created.Json.GetProperty("spec").ToString(), spec.ToString());
        Assert.Equal(0, spec.GetProperty("minReplicas").GetInt32());
        Assert.Equal("300s", spec.GetProperty("scaling").GetProperty("downWindow").GetString());
        Assert.Equal("300s", spec.GetProperty("hold").GetProperty("maxWait").GetString());
        Assert.Equal(2, spec.GetProperty("spot").GetProperty("spread").GetInt32());
        Assert.Equal(1, spec.GetProperty("update").GetProperty("maxSurge").GetInt32());
        Assert.Equal(5_000_000, spec.GetProperty("budget").GetProperty("maxPricePerHourMicroEur").GetInt64());
        var status = read.Json.GetProperty("status");
        Assert.Equal(
            ["READY", "PROGRESSING", "SCALING_LIMITED", "DEGRADED"],
            status
                .GetProperty("conditions")
                .EnumerateArray()
                .Select(c => c.GetProperty("type").GetString()!["SERVICE_CONDITION_TYPE_".Length..])
        );
        Assert.Equal(3, status.GetProperty("load").GetProperty("outstanding").GetDouble());

        var again = await api.SendAsync("POST", Services, api.KeyOfA, Full);
        Assert.Equal(name, again.Json.GetProperty("name").GetString());
    }

    [Fact]
    public async Task All_faults_of_a_spec_are_reported_at_once()
    {
        var answer = await api.SendAsync(
            "POST",
            Services,
            api.KeyOfA,
            """
            {"servingName":"a-name-that-is-longer-than-the-forty-characters","spec":{"template":{"contextTokens":"0"},
              "minReplicas":5,"maxReplicas":3,"scaling":{"targetOutstandingPerReplica":0,"upWindow":"-1s"},
              "budget":{"maxPerDayMicroEur":"0"},"affinity":77}}
            """
        );
        Assert.Equal(400, answer.Status);
        var text = answer.Json.ToString();
        Assert.All(
            [
                "serving_name",
                "spec.template.model",
                "spec.template.context_tokens",
                "spec.affinity",
                "spec.scaling.up_window",
            ],
            field => Assert.Contains(field, text, StringComparison.Ordinal)
        );

        answer = await api.SendAsync(
            "POST",
            Services,
            api.KeyOfA,
            """
            {"servingName":"s","spec":{"template":{"contextTokens":"0"},"minReplicas":5,"maxReplicas":3,
              "scaling":{"targetOutstandingPerReplica":0},"budget":{"maxPerDayMicroEur":"0"}}}
            """
        );
        text = answer.Json.ToString();
        Assert.All(
            [
                "spec.template.context_tokens",
                "Is 3, less than min_replicas, which is 5.",
                "spec.scaling.target_outstanding_per_replica",
                "spec.budget.max_per_day_micro_eur",
            ],
            field => Assert.Contains(field, text, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_service_is_paused_resumed_updated_rolled_back_explained_and_deleted()
    {
        var created = await api.SendAsync(
            "POST",
            Services,
            api.KeyOfA,
            """{"servingName":"life","spec":{"template":{"model":"a/m"}}}"""
        );
        var path = "/v1/" + created.Json.GetProperty("name").GetString()!;
        var paused = await api.SendAsync("POST", path + ":pause", api.KeyOfA, "{}");
        Assert.True(paused.Json.GetProperty("spec").GetProperty("paused").GetBoolean());
        await api.SendAsync("POST", path + ":resume", api.KeyOfA, "{}");
        var updated = await api.SendAsync(
            "PATCH",
            path,
            api.KeyOfA,
            """{"spec":{"template":{"model":"a/m","contextTokens":"4096"}},"ifGeneration":"3"}"""
        );
        Assert.Equal(2, updated.Json.GetProperty("status").GetProperty("revision").GetInt32());
        var back = await api.SendAsync("POST", path + ":rollback", api.KeyOfA, "{}");
        Assert.Equal(1, back.Json.GetProperty("status").GetProperty("revision").GetInt32());
        var explained = await api.SendAsync("POST", path + ":explain", api.KeyOfA, "{}");
        Assert.Equal("1 replica is wanted.", explained.Json.GetProperty("scaling")[0].GetString());

        var listed = await api.SendAsync("GET", Services + "?servingName=life&model=a/m", api.KeyOfA);
        Assert.Single(listed.Json.GetProperty("services").EnumerateArray());
        var other = await api.SendAsync("GET", Services + "?servingName=nothing", api.KeyOfA);
        Assert.False(other.Json.TryGetProperty("services", out var none) && none.GetArrayLength() > 0);
        Assert.Equal(200, (await api.SendAsync("DELETE", path, api.KeyOfA)).Status);
    }
}
