using Grpc.Core;
using Scheduler.Api.OpenApi;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>INV-08, over all methods of the API: a new method is included automatically.</summary>
public sealed class ApiTenancyTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private readonly MethodCalls _calls = new(api);

    public static TheoryData<string> Methods => [.. ApiSurface.Methods.Select(m => m.GrpcPath)];

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Without_a_key_only_public_methods_answer(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var http = await _calls.HttpAsync(method, null, "acct-a", "i-aaaaaaaaaaaaaaaaaaaa");
        var grpc = await _calls.GrpcAsync(method, null, "acct-a", "i-aaaaaaaaaaaaaaaaaaaa");
        if (method.Access == Access.Anyone)
        {
            Assert.NotEqual(401, http.Status);
            Assert.NotEqual(StatusCode.Unauthenticated, grpc?.StatusCode);
            return;
        }

        Assert.Equal((401, "AUTH_MISSING_TOKEN"), (http.Status, http.Reason));
        Assert.Equal("AUTH_MISSING_TOKEN", grpc!.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
    }

    [Fact]
    public async Task Figures_of_a_provider_over_all_accounts_are_sent_to_operators_only()
    {
        var drain = """{"reason":"secret-reason"}""";
        Assert.Equal(200, (await api.SendAsync("POST", "/v1/providers/simulated:drain", api.Operator, drain)).Status);
        foreach (var path in new[] { "/v1/providers/simulated", "/v1/providers" })
        {
            var (all, seen) = (
                await api.SendAsync("GET", path, api.Operator),
                await api.SendAsync("GET", path, api.KeyOfA)
            );

            Assert.Equal((200, 200), (all.Status, seen.Status));
            foreach (
                var figure in new[] { "7777", "6666", "4444", "secret-region", "secret-error", "secret-reason", "key:" }
            )
            {
                Assert.Contains(figure, all.Text);
                Assert.DoesNotContain(figure, seen.Text);
            }

            Assert.Contains("\"draining\":true", seen.Text.Replace(" ", ""));
            Assert.Contains("The latest listing failed.", seen.Text);
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Resources_of_another_account_read_like_missing_resources(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var instance = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-b/instances",
            api.KeyOfB,
            """{"servingName":"theirs","spec":{"model":"a"},"requestId":"theirs"}"""
        );
        var theirs = instance.Json.GetProperty("name").GetString()!.Split('/')[^1];
        var http = await _calls.HttpAsync(method, api.KeyOfA, "acct-b", theirs);
        var httpNone = await _calls.HttpAsync(method, api.KeyOfA, "acct-no", "i-bbbbbbbbbbbbbbbbbbbb");
        var grpc = await _calls.GrpcAsync(method, api.KeyOfA, "acct-b", theirs);
        var grpcNone = await _calls.GrpcAsync(method, api.KeyOfA, "acct-no", "i-bbbbbbbbbbbbbbbbbbbb");
        string Plain(string? text) =>
            (text ?? "").Replace(theirs, "i-bbbbbbbbbbbbbbbbbbbb").Replace("acct-b", "acct-no");

        Assert.Equal(httpNone.Status, http.Status);
        Assert.Equal(grpcNone?.StatusCode, grpc?.StatusCode);
        Assert.Equal(Plain(grpcNone?.Status.Detail), Plain(grpc?.Status.Detail));
        if (method.Access == Access.Operator)
        {
            Assert.Equal((403, "PERMISSION_DENIED"), (http.Status, http.Reason));
            Assert.Equal(StatusCode.PermissionDenied, grpc!.StatusCode);
        }
        else if (NamesAccount(method))
        {
            Assert.Equal((404, "NOT_FOUND"), (http.Status, http.Reason));
            Assert.Equal(StatusCode.NotFound, grpc!.StatusCode);
            Assert.Equal(
                httpNone.Json.GetProperty("message").GetString(),
                Plain(http.Json.GetProperty("message").GetString())
            );
        }
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Missing_resources_read_the_same_in_the_own_and_in_another_account(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        if (method.Access != Access.Unspecified || !OpenApiDocumentSource.PathOf(method.Http).Contains("{account}/"))
        {
            return;
        }

        var own = await _calls.HttpAsync(method, api.KeyOfA, "acct-a", "i-cccccccccccccccccccc");
        var other = await _calls.HttpAsync(method, api.KeyOfA, "acct-b", "i-cccccccccccccccccccc");
        if (own.Status == 404)
        {
            Assert.Equal(
                other.Json.GetProperty("message").GetString()!.Replace("acct-b", "acct-a"),
                own.Json.GetProperty("message").GetString()
            );
        }
    }

    [Fact]
    public void Every_request_type_has_validation_rules()
    {
        Assert.All(ApiSurface.Methods, m => Assert.NotNull(RequestValidators.Of(MethodCalls.New(m))));
        var declared = typeof(Instances)
            .Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Base") && t.Namespace is "Scheduler.Api.V1");
        Assert.Equal(declared.Count(), ApiSurface.Services.Length);
    }

    private static bool NamesAccount(ApiMethod method) =>
        OpenApiDocumentSource.PathOf(method.Http).Contains("{account}");
}
