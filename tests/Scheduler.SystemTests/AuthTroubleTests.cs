using Google.Rpc;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The authentication codes of the troubleshooting page over both transports, with their remedies.</summary>
[Collection(TroubleGroup.Name)]
public sealed class AuthTroubleTests(TroubledScheduler troubled)
{
    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_missing_header_gives_AUTH_MISSING_TOKEN_and_the_header_in_its_hint_works(string transport)
    {
        var account = await troubled.AccountAsync(troubled.ApiClient(transport), 0);

        var refused = await With(transport, null).GetAccountAsync(account);

        AssertRefused(refused, "AUTH_MISSING_TOKEN");
        Assert.Contains("Authorization: Bearer <key>", refused.Info.Metadata["hint"]);
        var header = "Bearer <key>".Replace("<key>", troubled.Process.Token, StringComparison.Ordinal);
        Assert.Equal(account, (await With(transport, header).GetAccountAsync(account)).Ok.Name);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_wrong_secret_gives_AUTH_INVALID_TOKEN_and_the_correct_secret_works(string transport)
    {
        var operators = troubled.ApiClient(transport);
        var account = await troubled.AccountAsync(operators, 0);
        var key = (await operators.CreateKeyAsync(account)).Ok;
        var last = key.Token[^1] == 'a' ? 'b' : 'a';
        var wrong = key.Token[..^1] + last;

        var refused = await With(transport, $"Bearer {wrong}").GetAccountAsync(account);

        AssertRefused(refused, "AUTH_INVALID_TOKEN");
        Assert.DoesNotContain(wrong, refused.Error!.ToString(), StringComparison.Ordinal);
        var prefix = refused.Info.Metadata.GetValueOrDefault("token_prefix");
        Assert.True(prefix is null || key.Key.TokenPrefix == prefix, prefix);
        Assert.Equal(account, (await With(transport, $"Bearer {key.Token}").GetAccountAsync(account)).Ok.Name);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_revoked_key_gives_AUTH_REVOKED_TOKEN_and_a_new_key_works(string transport)
    {
        var operators = troubled.ApiClient(transport);
        var account = await troubled.AccountAsync(operators, 0);
        var key = (await operators.CreateKeyAsync(account)).Ok;
        _ = (await With(transport, $"Bearer {key.Token}").GetAccountAsync(account)).Ok;
        _ = (await operators.RevokeKeyAsync(key.Key.Name)).Ok;

        var refused = await With(transport, $"Bearer {key.Token}").GetAccountAsync(account);

        AssertRefused(refused, "AUTH_REVOKED_TOKEN");
        Assert.EndsWith(refused.Info.Metadata["key_id"], key.Key.Name);
        var renewed = (await operators.CreateKeyAsync(account)).Ok;
        Assert.Equal(account, (await With(transport, $"Bearer {renewed.Token}").GetAccountAsync(account)).Ok.Name);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task A_viewer_key_reads_but_cannot_change_and_the_hint_names_the_key_to_use(string transport)
    {
        var operators = troubled.ApiClient(transport);
        var account = await troubled.AccountAsync(operators, 0);
        var spec = new LaunchSpec { Model = Troubles.Small };
        var instance = (await operators.CreateInstanceAsync(account, "seen", spec)).Ok;
        var key = (await operators.CreateKeyAsync(account, KeyRole.Viewer)).Ok;
        Assert.Equal(KeyRole.Viewer, key.Key.Role);
        var viewer = With(transport, $"Bearer {key.Token}");

        var refused = await viewer.StartAsync(instance.Name);

        Assert.Equal(refused.HttpStatus is null ? null : 403, refused.HttpStatus);
        Assert.Equal(refused.Code is null ? null : StatusCode.PermissionDenied, refused.Code);
        Assert.Equal("PERMISSION_DENIED", refused.Info.Reason);
        Assert.Contains("a full key of the same account", refused.Info.Metadata["hint"]);
        Assert.Equal("PERMISSION_DENIED", (await viewer.CreateKeyAsync(account)).Info.Reason);
        Assert.Equal(instance, (await viewer.GetInstanceAsync(instance.Name)).Ok);
        Assert.NotNull((await viewer.ExplainAsync(instance.Name)).Ok);
        var full = (await operators.CreateKeyAsync(account, KeyRole.Full)).Ok;
        Assert.NotNull((await With(transport, $"Bearer {full.Token}").CreateKeyAsync(account)).Ok);
    }

    private ApiClient With(string transport, string? authorization) =>
        transport == "http"
            ? new HttpApiClient(troubled.Process.Http, "") { Authorization = authorization }
            : new GrpcApiClient(troubled.Process, "") { Authorization = authorization };

    private static void AssertRefused(Reply<Account> refused, string code)
    {
        Assert.NotNull(refused.Error);
        Assert.Equal(refused.HttpStatus is null ? null : 401, refused.HttpStatus);
        Assert.Equal(refused.Code is null ? null : StatusCode.Unauthenticated, refused.Code);
        Assert.Equal(code, refused.Info.Reason);
        Assert.NotEmpty(refused.Info.Metadata["hint"]);
        Assert.Equal(refused.RequestId, refused.Info.Metadata["request_id"]);
        Assert.Equal(refused.RequestId, refused.Error.GetDetail<RequestInfo>()?.RequestId);
        Assert.Equal($"/v1/failures/{code}", Assert.Single(refused.Error.GetDetail<Help>()!.Links).Url);
    }
}
