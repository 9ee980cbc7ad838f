using System.Text.RegularExpressions;
using Google.Api;
using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Xunit;
using KeyRole = Scheduler.Domain.Keys.KeyRole;

namespace Scheduler.UnitTests.Api;

/// <summary>A viewer's key, over every method there is: a new one is in here the day it is declared.</summary>
public sealed partial class ViewerTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Account = "acct-a";
    private const string NoInstance = "i-cccccccccccccccccccc";

    private readonly MethodCalls _calls = new(api);

    public static TheoryData<string, bool> Changing => Of(changes: true);

    public static TheoryData<string, bool> Reading => Of(changes: false);

    [Theory]
    [MemberData(nameof(Changing))]
    public async Task What_changes_something_is_refused_before_it_reaches_a_grain(string grpcPath, bool ofOperator)
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
    public async Task What_only_reads_answers_a_viewer_as_it_answers_a_full_key(string grpcPath, bool ofOperator)
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
    public void A_method_changes_something_unless_its_name_says_that_it_reads() =>
        Assert.All(
            ApiSurface.Methods,
            method => Assert.NotEqual(ReadingName().IsMatch(method.Descriptor.Name), method.Changes)
        );

    [Fact]
    public void Only_what_is_no_GET_is_declared_to_read_and_nothing_changes_without_a_key() =>
        Assert.All(
            ApiSurface.Methods,
            method =>
            {
                var isGet = method.Http.PatternCase == HttpRule.PatternOneofCase.Get;
                var isDeclared = method.Descriptor.GetOptions()?.GetExtension(AccessExtensions.Reads) == true;
                Assert.False(isGet && isDeclared, $"{method.GrpcPath} is a GET and need not say that it reads.");
                Assert.False(method.Changes && method.Access == Access.Anyone, method.GrpcPath);
            }
        );

    [Fact]
    public async Task It_sees_its_account_and_may_ask_what_a_launch_would_do()
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
    public async Task An_operators_viewer_sees_all_accounts()
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
    public async Task The_role_is_said_at_the_create_and_told_ever_after(string path)
    {
        foreach (var (said, told) in new[] { ("VIEWER", "VIEWER"), ("FULL", "FULL"), ("UNSPECIFIED", "FULL") })
        {
            var made = await api.SendAsync("POST", path, api.Operator, $$"""{"role":"KEY_ROLE_{{said}}"}""");
            Assert.Equal(200, made.Status);
            var key = made.Json.GetProperty("key");
            Assert.Equal($"KEY_ROLE_{told}", key.GetProperty("role").GetString());
            var seen = await api.SendAsync("GET", $"/v1/{key.GetProperty("name").GetString()}", api.Operator);
            Assert.Equal($"KEY_ROLE_{told}", seen.Json.GetProperty("role").GetString());

            // The new key itself: it looks, or it acts.
            var token = made.Json.GetProperty("token").GetString();
            Assert.Equal(200, (await api.SendAsync("GET", "/v1/accounts/acct-a", token)).Status);
            var more = await api.SendAsync("POST", "/v1/accounts/acct-a/keys", token, "{}");
            Assert.Equal(told == "FULL" ? 200 : 403, more.Status);
        }

        var silent = await api.SendAsync("POST", path, api.Operator, "{}");
        Assert.Equal("KEY_ROLE_FULL", silent.Json.GetProperty("key").GetProperty("role").GetString());
    }

    [Theory]
    [InlineData("/v1/accounts/acct-a/keys", "7")]
    [InlineData("/v1/accounts/acct-a/keys", "\"KEY_ROLE_OWNER\"")]
    [InlineData("/v1/operatorKeys", "-1")]
    [InlineData("/v1/operatorKeys", "\"viewer\"")]
    public async Task A_role_that_is_none_is_refused_by_name(string path, string role)
    {
        var refused = await api.SendAsync("POST", path, api.Operator, $$"""{"role":{{role}}}""");
        Assert.Equal((400, "INVALID_REQUEST"), (refused.Status, refused.Reason));
        Assert.Equal("role", Assert.Single(refused.Fields));
    }

    [Theory]
    [InlineData("KEY_ROLE_FULL")]
    [InlineData("KEY_ROLE_VIEWER")]
    public async Task No_key_of_an_account_makes_one_of_an_operator(string role)
    {
        var refused = await api.SendAsync("POST", "/v1/operatorKeys", api.KeyOfA, $$"""{"role":"{{role}}"}""");
        Assert.Equal((403, "PERMISSION_DENIED"), (refused.Status, refused.Reason));
    }

    private static TheoryData<string, bool> Of(bool changes)
    {
        var data = new TheoryData<string, bool>();
        foreach (var method in ApiSurface.Methods.Where(method => method.Changes == changes))
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
