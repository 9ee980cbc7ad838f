using System.Text.RegularExpressions;
using Google.Api;
using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Xunit;
using KeyRole = Scheduler.Domain.Keys.KeyRole;

namespace Scheduler.UnitTests.Api;

/// <summary>Viewer keys, over all methods of the API: a new method is included automatically.</summary>
public sealed partial class ApiViewerTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Account = "acct-a";
    private const string NoInstance = "i-cccccccccccccccccccc";

    private readonly MethodCalls _calls = new(api);

    public static TheoryData<string, bool> Changing => Of(changes: true);

    public static TheoryData<string, bool> Reading => Of(changes: false);

    [Theory]
    [MemberData(nameof(Changing))]
    public async Task Changing_methods_are_refused_before_they_reach_a_grain(string grpcPath, bool ofOperator)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var key = await KeyAsync(ofOperator, KeyRole.Viewer);
        var known = api.Cluster.Calls.Count;

        var http = await _calls.HttpAsync(method, key, Account, NoInstance);
        var grpc = await _calls.GrpcAsync(method, key, Account, NoInstance);

        Assert.Equal((403, "PERMISSION_DENIED"), (http.Status, http.Reason));
        Assert.Equal(StatusCode.PermissionDenied, grpc?.StatusCode);
        Assert.Equal(http.Json.GetProperty("message").GetString(), grpc?.Status.Detail);
        Assert.All(api.Cluster.Calls.Skip(known), call => Assert.Equal($"IKeyGrain/{ApiFixture.KeyIdOf(key)}", call));
        if (method.Access != Access.Operator || ofOperator)
        {
            Assert.Contains("is a viewer's", grpc!.Status.Detail);
            Assert.Contains("full key", http.Metadata["hint"]);
            Assert.Equal(ApiFixture.KeyIdOf(key), http.Metadata["key_id"]);
            Assert.Equal(http.Metadata["hint"], Metadata(grpc)["hint"]);
        }
    }

    [Theory]
    [MemberData(nameof(Reading))]
    public async Task Reading_methods_answer_a_viewer_like_a_full_key(string grpcPath, bool ofOperator)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var viewer = await KeyAsync(ofOperator, KeyRole.Viewer);
        var full = await KeyAsync(ofOperator, KeyRole.Full);

        var seen = await _calls.HttpAsync(method, viewer, Account, NoInstance);
        var wanted = await _calls.HttpAsync(method, full, Account, NoInstance);
        var grpc = await _calls.GrpcAsync(method, viewer, Account, NoInstance);

        Assert.Equal((wanted.Status, wanted.Reason), (seen.Status, seen.Reason));
        Assert.Equal((await _calls.GrpcAsync(method, full, Account, NoInstance))?.StatusCode, grpc?.StatusCode);
        Assert.Equal(method.Access == Access.Operator && !ofOperator, seen.Status == 403);
    }

    [Fact]
    public void Only_methods_with_a_reading_name_are_reading_methods() =>
        Assert.All(
            ApiSurface.Methods,
            method => Assert.NotEqual(ReadingName().IsMatch(method.Descriptor.Name), method.Changes)
        );

    [Fact]
    public void No_GET_is_declared_as_reading_and_no_public_method_changes_anything() =>
        Assert.All(
            ApiSurface.Methods,
            method =>
            {
                var isGet = method.Http.PatternCase == HttpRule.PatternOneofCase.Get;
                var isDeclared = method.Descriptor.GetOptions()?.GetExtension(AccessExtensions.Reads) == true;
                Assert.False(isGet && isDeclared, $"{method.GrpcPath} is a GET and must not declare that it reads.");
                Assert.False(
                    method.Changes && method.Access == Access.Anyone && !HasOwnPermission(method),
                    method.GrpcPath
                );
            }
        );

    [Fact]
    public async Task A_viewer_sees_its_account_and_may_explain_a_launch()
    {
        var key = await KeyAsync(ofOperator: false, KeyRole.Viewer);
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts/acct-a", key)).Status);
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts/acct-a/instances", key)).Status);
        Assert.Equal(404, (await api.SendAsync("GET", "/v1/accounts/acct-b", key)).Status);
        var explained = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a:explainLaunch",
            key,
            """{"spec":{"model":"a"}}"""
        );
        Assert.Equal(200, explained.Status);
    }

    [Fact]
    public async Task A_viewer_key_of_an_operator_sees_all_accounts()
    {
        var key = await KeyAsync(ofOperator: true, KeyRole.Viewer);
        var listed = await api.SendAsync("GET", "/v1/accounts", key);
        Assert.Equal(200, listed.Status);
        Assert.Equal(2, listed.Json.GetProperty("accounts").GetArrayLength());
        Assert.Equal(200, (await api.SendAsync("GET", "/v1/operatorKeys", key)).Status);
    }

    [Theory]
    [InlineData("/v1/accounts/acct-a/keys")]
    [InlineData("/v1/operatorKeys")]
    public async Task The_role_given_at_create_is_returned_by_later_reads(string path)
    {
        foreach (var (sent, expected) in new[] { ("VIEWER", "VIEWER"), ("FULL", "FULL"), ("UNSPECIFIED", "FULL") })
        {
            var made = await api.SendAsync("POST", path, api.Operator, $$"""{"role":"KEY_ROLE_{{sent}}"}""");
            Assert.Equal(200, made.Status);
            var key = made.Json.GetProperty("key");
            Assert.Equal($"KEY_ROLE_{expected}", key.GetProperty("role").GetString());
            var seen = await api.SendAsync("GET", $"/v1/{key.GetProperty("name").GetString()}", api.Operator);
            Assert.Equal($"KEY_ROLE_{expected}", seen.Json.GetProperty("role").GetString());

            // The new key itself may read, or also change something.
            var token = made.Json.GetProperty("token").GetString();
            Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts/acct-a", token)).Status);
            var more = await api.SendAsync("POST", "/v1/accounts/acct-a/keys", token, "{}");
            Assert.Equal(expected == "FULL" ? 200 : 403, more.Status);
        }

        var silent = await api.SendAsync("POST", path, api.Operator, "{}");
        Assert.Equal("KEY_ROLE_FULL", silent.Json.GetProperty("key").GetProperty("role").GetString());
    }

    [Theory]
    [InlineData("/v1/accounts/acct-a/keys", "7")]
    [InlineData("/v1/accounts/acct-a/keys", "\"KEY_ROLE_OWNER\"")]
    [InlineData("/v1/operatorKeys", "-1")]
    [InlineData("/v1/operatorKeys", "\"viewer\"")]
    public async Task An_unknown_role_is_refused_naming_the_field(string path, string role)
    {
        var refused = await api.SendAsync("POST", path, api.Operator, $$"""{"role":{{role}}}""");
        Assert.Equal((400, "INVALID_REQUEST"), (refused.Status, refused.Reason));
        Assert.Equal("role", Assert.Single(refused.Fields));
    }

    [Theory]
    [InlineData("KEY_ROLE_FULL")]
    [InlineData("KEY_ROLE_VIEWER")]
    public async Task An_account_key_cannot_create_an_operator_key(string role)
    {
        var refused = await api.SendAsync("POST", "/v1/operatorKeys", api.KeyOfA, $$"""{"role":"{{role}}"}""");
        Assert.Equal((403, "PERMISSION_DENIED"), (refused.Status, refused.Reason));
    }

    /// <summary>A join token in the request is the permission, so no key is needed.</summary>
    private static bool HasOwnPermission(ApiMethod method) => method.Descriptor.Name == "JoinHost";

    private static TheoryData<string, bool> Of(bool changes)
    {
        var data = new TheoryData<string, bool>();
        foreach (
            var method in ApiSurface.Methods.Where(method => method.Changes == changes && !HasOwnPermission(method))
        )
        {
            data.Add(method.GrpcPath, false);
            data.Add(method.GrpcPath, true);
        }

        return data;
    }

    private static Google.Protobuf.Collections.MapField<string, string> Metadata(RpcException e) =>
        e.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Metadata;

    private Task<string> KeyAsync(bool ofOperator, KeyRole role) =>
        api.KeyAsync(ofOperator ? null : new AccountId(Account), role);

    [GeneratedRegex("^(Get|List|Watch|Explain)[A-Z]")]
    private static partial Regex ReadingName();
}
