using Google.Protobuf;
using Grpc.Core;
using Scheduler.Api.Edge;
using Scheduler.Api.OpenApi;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>INV-08, over every method there is: a new one is in here the day it is declared.</summary>
public sealed class TenancyTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    public static TheoryData<string> Methods => [.. ApiSurface.Methods.Select(m => m.GrpcPath)];

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task Without_a_key_nothing_answers_but_what_is_open_to_anyone(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var http = await HttpAsync(method, null, "acct-a", "i-aaaaaaaaaaaaaaaaaaaa");
        var grpc = await GrpcAsync(method, null, "acct-a", "i-aaaaaaaaaaaaaaaaaaaa");
        if (method.Access == Access.Anyone)
        {
            Assert.NotEqual(401, http.Status);
            Assert.NotEqual(StatusCode.Unauthenticated, grpc?.StatusCode);
            return;
        }

        Assert.Equal((401, "AUTH_MISSING_TOKEN"), (http.Status, http.Reason));
        Assert.Equal("AUTH_MISSING_TOKEN", grpc!.GetRpcStatus()!.GetDetail<Google.Rpc.ErrorInfo>()!.Reason);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public async Task What_is_anothers_reads_the_same_as_what_is_not_there(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        var instance = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-b/instances",
            api.KeyOfB,
            """{"servingName":"theirs","spec":{"model":"a"},"requestId":"theirs"}"""
        );
        var theirs = instance.Json.GetProperty("name").GetString()!.Split('/')[^1];
        var http = await HttpAsync(method, api.KeyOfA, "acct-b", theirs);
        var httpNone = await HttpAsync(method, api.KeyOfA, "acct-no", "i-bbbbbbbbbbbbbbbbbbbb");
        var grpc = await GrpcAsync(method, api.KeyOfA, "acct-b", theirs);
        var grpcNone = await GrpcAsync(method, api.KeyOfA, "acct-no", "i-bbbbbbbbbbbbbbbbbbbb");
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
    public async Task What_is_not_there_in_ones_own_account_reads_the_same_as_anothers(string grpcPath)
    {
        var method = ApiSurface.Find(grpcPath)!;
        if (method.Access != Access.Unspecified || !OpenApiDocumentSource.PathOf(method.Http).Contains("{account}/"))
        {
            return;
        }

        var own = await HttpAsync(method, api.KeyOfA, "acct-a", "i-cccccccccccccccccccc");
        var other = await HttpAsync(method, api.KeyOfA, "acct-b", "i-cccccccccccccccccccc");
        if (own.Status == 404)
        {
            Assert.Equal(
                other.Json.GetProperty("message").GetString()!.Replace("acct-b", "acct-a"),
                own.Json.GetProperty("message").GetString()
            );
        }
    }

    [Fact]
    public void Every_request_has_a_rule()
    {
        Assert.All(ApiSurface.Methods, m => Assert.NotNull(RequestRules.Of(New(m))));
        var declared = typeof(Instances)
            .Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Base") && t.Namespace is "Scheduler.Api.V1");
        Assert.Equal(declared.Count(), ApiSurface.Services.Length);
    }

    private static bool NamesAccount(ApiMethod method) =>
        OpenApiDocumentSource.PathOf(method.Http).Contains("{account}");

    private static IMessage New(ApiMethod method) => method.Descriptor.InputType.Parser.ParseFrom([]);

    /// <summary>A request that is right in itself, so that nothing but the key and the account decide.</summary>
    private static IMessage Request(ApiMethod method, string account, string instance)
    {
        var path = OpenApiDocumentSource.PathFieldOf(method.Http);
        var request = New(method);
        if (path is not null)
        {
            method
                .Descriptor.InputType.FindFieldByName(path)
                .Accessor.SetValue(request, Fill(method, account, instance)["/v1/".Length..].Split(':')[0]);
            if (path is "parent")
            {
                var parent = OpenApiDocumentSource.PathOf(method.Http)["/v1/".Length..].Split(':')[0];
                var length =
                    parent.Contains("{schedule}") ? 6
                    : parent.Contains("{instance}") || parent.Contains("{balancer}") ? 4
                    : 2;
                method
                    .Descriptor.InputType.FindFieldByName(path)
                    .Accessor.SetValue(
                        request,
                        string.Join('/', Replace(parent, account, instance).Split('/').Take(length))
                    );
            }
        }

        switch (request)
        {
            case CreateAccountRequest r:
                r.AccountId = account;
                break;
            case CreateInstanceRequest r:
                (r.ServingName, r.Spec) = ("m", new LaunchSpec { Model = "a" });
                break;
            case CreateBalancerRequest r:
                (r.ServingName, r.Spec) = ("m", ABalancer());
                break;
            case UpdateBalancerRequest r:
                r.Spec = ABalancer();
                break;
            case CreateScheduleRequest r:
                (r.ScheduleId, r.Action, r.Cron, r.TimeZone) = ("s", ScheduleAction.Start, "* * * * *", "UTC");
                break;
            case UpdateScheduleRequest r:
                r.Cron = "* * * * *";
                break;
            case ExplainLaunchRequest r:
                r.Spec = new LaunchSpec { Model = "a" };
                break;
            case UpdateInstanceRequest r:
                r.Spec = new LaunchSpec { Model = "a" };
                break;
            case TopUpAccountRequest r:
                (r.AmountMicroEur, r.Reference) = (1, "r");
                break;
            case RegisterModelRequest r:
                (r.Model, r.ConfigJson) = ("m", ByteString.CopyFromUtf8("{}"));
                break;
            case CreateRuleRequest r:
                r.RuleId = "r";
                break;
            case CreateFirewallRequest r:
                r.FirewallId = "f";
                break;
            case EvaluateFirewallRequest r:
                r.Text = "hi";
                break;
            default:
                break;
        }

        return request;
    }

    private static BalancerSpec ABalancer() =>
        new()
        {
            RoutingMode = RoutingMode.Ordered,
            Routes =
            {
                new BalancerRoute
                {
                    Name = "all",
                    Instance = "chat",
                    Default = true,
                },
            },
        };

    private static string Replace(string path, string account, string instance) =>
        path.Replace("{account}", account)
            .Replace("{instance}", instance)
            .Replace("{schedule}", "s")
            .Replace("{balancer}", "bal-aaaaaaaaaaaaaaaaaaaa")
            .Replace("{key}", "key-aaaaaaaaaaaa")
            .Replace("{model}", "m")
            .Replace("{rule}", "r")
            .Replace("{firewall}", "f")
            .Replace("{provider}", "simulated")
            .Replace("{code}", "OOM_KILLED")
            .Replace("{request}", "req-x");

    private static string Fill(ApiMethod method, string account, string instance) =>
        Replace(OpenApiDocumentSource.PathOf(method.Http), account, instance);

    private Task<HttpAnswer> HttpAsync(ApiMethod method, string? key, string account, string instance)
    {
        var body = method.Http.Body.Length == 0 ? null : Body(method, account, instance);
        return api.SendAsync(
            OpenApiDocumentSource.TemplateOf(method.Http).Verb.Method,
            Fill(method, account, instance),
            key,
            body
        );
    }

    private static string Body(ApiMethod method, string account, string instance)
    {
        var request = Request(method, account, instance);
        if (OpenApiDocumentSource.PathFieldOf(method.Http) is { } path)
        {
            method.Descriptor.InputType.FindFieldByName(path).Accessor.Clear(request);
        }

        return JsonFormatter.Default.Format(request);
    }

    private async Task<RpcException?> GrpcAsync(ApiMethod method, string? key, string account, string instance)
    {
        var marshaller = Marshallers.Create<byte[]>(b => b, b => b);
        var call = new Method<byte[], byte[]>(
            method.Descriptor.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary,
            method.Descriptor.Service.FullName,
            method.Descriptor.Name,
            marshaller,
            marshaller
        );
        var bytes = Request(method, account, instance).ToByteArray();
        var options = new CallOptions(
            ApiFixture.Headers(key),
            cancellationToken: TestContext.Current.CancellationToken
        );
        try
        {
            if (method.Descriptor.IsServerStreaming)
            {
                using var stream = api.Grpc.CreateCallInvoker().AsyncServerStreamingCall(call, null, options, bytes);
                await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
            }
            else
            {
                await api.Grpc.CreateCallInvoker().AsyncUnaryCall(call, null, options, bytes);
            }

            return null;
        }
        catch (RpcException e)
        {
            return e;
        }
    }
}
