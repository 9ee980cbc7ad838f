using Grpc.Core;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class StrictInputTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Instances = "/v1/accounts/acct-a/instances";

    [Theory]
    [InlineData("""{"servingName":"m","spec":{"model":"a"},"bogus":1}""", "bogus")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","bogus":{"x":1}}}""", "spec.bogus")]
    [InlineData("""{"servingName":"m","spec":{"model":"a"},"servingName":"n"}""", "serving_name")]
    [InlineData("""{"servingName":"m","spec":{"model":"a"},"serving_name":"n"}""", "serving_name")]
    [InlineData("""{"servingName":7,"spec":{"model":"a"}}""", "serving_name")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","contextTokens":1.5}}""", "spec.context_tokens")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","contextTokens":0}}""", "spec.context_tokens")]
    [InlineData(
        """{"servingName":"m","spec":{"model":"a","constraints":{"minimumTier":"BEST"}}}""",
        "spec.constraints.minimum_tier"
    )]
    [InlineData(
        """{"servingName":"m","spec":{"model":"a","constraints":{"minimumTier":99}}}""",
        "spec.constraints.minimum_tier"
    )]
    [InlineData("""{"servingName":"m","spec":{"model":"a","allocationTimeout":"soon"}}""", "spec.allocation_timeout")]
    [InlineData(
        """{"servingName":"m","spec":{"model":"a","allocationTimeout":"315576000000s"}}""",
        "spec.allocation_timeout"
    )]
    [InlineData("""{"servingName":"m","spec":{"model":"a","waitForCapacity":"604801s"}}""", "spec.wait_for_capacity")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","waitForCapacity":"-1s"}}""", "spec.wait_for_capacity")]
    [InlineData(
        """{"servingName":"m","spec":{"model":"a","constraints":{"regions":["ok",3]}}}""",
        "spec.constraints.regions[1]"
    )]
    [InlineData("""{"servingName":"M!","spec":{"model":"a"}}""", "serving_name")]
    [InlineData("""{"servingName":"m"}""", "spec")]
    [InlineData("""{"parent":"accounts/acct-b","servingName":"m","spec":{"model":"a"}}""", "parent")]
    [InlineData("""{"servingName":"m","spec":{"model":"a"},"labels":{"k":1}}""", "labels[k]")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","env":{"A":"b"}}}""", "spec.env[A]")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","env":{"A":{}}}}""", "spec.env[A]")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","env":{"A":{"bogus":"b"}}}}""", "spec.env[A].bogus")]
    [InlineData(
        """{"servingName":"m","spec":{"model":"a","env":{"A":{"value":"b","secret":"c"}}}}""",
        "spec.env[A].secret"
    )]
    [InlineData("""{"servingName":"m","spec":{"model":"a","env":{"A":{"secret":"C!"}}}}""", "spec.env[A].secret")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","env":{"9":{"value":"b"}}}}""", "spec.env")]
    [InlineData("""{"servingName":"m","spec":{"model":"a","image":"https://x"}}""", "spec.image")]
    [InlineData("[]", "body")]
    [InlineData("{\"servingName\":", "body")]
    public async Task An_invalid_field_is_named(string body, string field)
    {
        var answer = await api.SendAsync("POST", Instances, api.KeyOfA, body);
        Assert.Equal((400, "INVALID_REQUEST"), (answer.Status, answer.Reason));
        Assert.Contains(field, answer.Fields);
    }

    [Fact]
    public async Task All_validation_errors_are_reported_and_only_the_key_grain_is_called()
    {
        api.Cluster.Calls.Clear();
        var answer = await api.SendAsync(
            "POST",
            Instances,
            api.KeyOfA,
            """{"bogus":1,"servingName":"Ä","spec":{"model":"","contextTokens":"x","parallelSequences":0},"labels":{"9":"v"}}"""
        );
        Assert.Equal(
            ["bogus", "labels[9]", "serving_name", "spec.context_tokens", "spec.model", "spec.parallel_sequences"],
            answer.Fields.Order(StringComparer.Ordinal)
        );
        Assert.DoesNotContain(api.Cluster.Calls, call => !call.StartsWith("IKeyGrain"));
    }

    [Theory]
    [InlineData("?bogus=1", "bogus")]
    [InlineData("?pageSize=many", "page_size")]
    [InlineData("?pageSize=1001", "page_size")]
    [InlineData("?pageSize=-1", "page_size")]
    [InlineData("?pageSize=1&pageSize=2", "page_size")]
    [InlineData("?pageToken=abc", "page_token")]
    [InlineData("?filter=state", "filter")]
    public async Task An_invalid_query_parameter_is_named(string query, string field)
    {
        var answer = await api.SendAsync("GET", Instances + query, api.KeyOfA);
        Assert.Equal(400, answer.Status);
        Assert.Equal([field], answer.Fields);
    }

    [Fact]
    public async Task Grpc_names_the_same_fields()
    {
        var request = new CreateInstanceRequest { Parent = "accounts/acct-a", ServingName = "M" };
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Instances.InstancesClient(api.Grpc).CreateInstanceAsync(
                request,
                ApiFixture.Headers(api.KeyOfA),
                cancellationToken: TestContext.Current.CancellationToken
            )
        );
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        var bad = error.GetRpcStatus()!.GetDetail<Google.Rpc.BadRequest>()!;
        Assert.Equal(["serving_name", "spec"], bad.FieldViolations.Select(v => v.Field));
    }

    [Fact]
    public async Task A_create_with_a_request_id_takes_effect_once()
    {
        const string body = """{"servingName":"twice","spec":{"model":"a/b"},"requestId":"r-1"}""";
        var first = await api.SendAsync("POST", Instances, api.KeyOfA, body);
        var second = await api.SendAsync("POST", Instances, api.KeyOfA, body);
        var other = await api.SendAsync("POST", "/v1/accounts/acct-b/instances", api.KeyOfB, body);
        var name = first.Json.GetProperty("name").GetString();
        Assert.Equal(name, second.Json.GetProperty("name").GetString());
        Assert.NotEqual(name![^22..], other.Json.GetProperty("name").GetString()![^22..]);
    }

    [Fact]
    public async Task An_update_with_a_mask_changes_only_the_named_field()
    {
        var made = await api.SendAsync(
            "POST",
            Instances,
            api.KeyOfA,
            """{"servingName":"mask","spec":{"model":"a/b","contextTokens":4096,"autoReroute":true}}"""
        );
        var name = made.Json.GetProperty("name").GetString();
        var changed = await api.SendAsync(
            "PATCH",
            $"/v1/{name}",
            api.KeyOfA,
            """{"spec":{"contextTokens":2048},"updateMask":"spec.contextTokens"}"""
        );
        Assert.Equal(200, changed.Status);
        var spec = changed.Json.GetProperty("spec");
        Assert.Equal(2048, spec.GetProperty("contextTokens").GetInt64());
        Assert.Equal("a/b", spec.GetProperty("model").GetString());
        Assert.True(spec.GetProperty("autoReroute").GetBoolean());
        var wrong = await api.SendAsync(
            "PATCH",
            $"/v1/{name}",
            api.KeyOfA,
            """{"updateMask":"state","labels":{"a":"b"}}"""
        );
        Assert.Equal(["update_mask"], wrong.Fields);
    }

    [Fact]
    public async Task A_page_token_is_valid_only_for_its_query()
    {
        for (var i = 0; i < 3; i++)
        {
            var body = """{"servingName":"p#","spec":{"model":"a"}}""".Replace("#", $"{i}");
            await api.SendAsync("POST", Instances, api.KeyOfA, body);
        }

        var seen = new List<string>();
        var token = "";
        do
        {
            var page = await api.SendAsync("GET", $"{Instances}?pageSize=1&pageToken={token}", api.KeyOfA);
            Assert.Equal(200, page.Status);
            seen.AddRange(
                page.Json.GetProperty("instances").EnumerateArray().Select(i => i.GetProperty("name").GetString()!)
            );
            var next = page.Json.GetProperty("nextPageToken").GetString()!;
            if (token.Length == 0)
            {
                var other = await api.SendAsync(
                    "GET",
                    $"{Instances}?filter=text%3D%22a%22&pageToken={next}",
                    api.KeyOfA
                );
                Assert.Equal(["page_token"], other.Fields);
                var foreign = await api.SendAsync("GET", $"/v1/accounts/acct-b/instances?pageToken={next}", api.KeyOfB);
                Assert.Equal(["page_token"], foreign.Fields);
            }

            token = next;
        } while (token.Length > 0);

        Assert.True(seen.Count >= 3);
        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [Fact]
    public async Task A_watch_sends_the_instance_each_change_and_the_deletion()
    {
        var made = await api.SendAsync(
            "POST",
            Instances,
            api.KeyOfA,
            """{"servingName":"watched","spec":{"model":"a"}}"""
        );
        var name = made.Json.GetProperty("name").GetString()!;
        var ct = TestContext.Current.CancellationToken;
        using var call = new Instances.InstancesClient(api.Grpc).WatchInstance(
            new() { Name = name },
            ApiFixture.Headers(api.KeyOfA),
            cancellationToken: ct
        );
        Assert.True(await call.ResponseStream.MoveNext(ct));
        await api.SendAsync("POST", $"/v1/{name}:start", api.KeyOfA);
        Assert.True(await call.ResponseStream.MoveNext(ct));
        Assert.Equal(InstanceState.Provisioning, call.ResponseStream.Current.State);
        await api.SendAsync("DELETE", $"/v1/{name}?requestId=d", api.KeyOfA);
        Assert.True(await call.ResponseStream.MoveNext(ct));
        Assert.Equal(InstanceState.Deleted, call.ResponseStream.Current.State);
        Assert.False(await call.ResponseStream.MoveNext(ct));
    }

    [Fact]
    public async Task A_watch_ends_when_its_key_is_revoked()
    {
        var token = await api.KeyAsync(new("acct-a"));
        var made = await api.SendAsync("POST", Instances, token, """{"servingName":"revoked","spec":{"model":"a"}}""");
        var ct = TestContext.Current.CancellationToken;
        using var call = new Instances.InstancesClient(api.Grpc).WatchInstance(
            new() { Name = made.Json.GetProperty("name").GetString()! },
            ApiFixture.Headers(token),
            cancellationToken: ct
        );
        Assert.True(await call.ResponseStream.MoveNext(ct));
        await api.SendAsync("POST", $"/v1/accounts/acct-a/keys/{ApiFixture.KeyIdOf(token)}:revoke", api.KeyOfA);
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(ct));
        Assert.Equal("AUTH_REVOKED_TOKEN", error.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
    }
}
