using Google.Protobuf;
using Grpc.Core;
using Scheduler.Api.OpenApi;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Hosts;
using Xunit;

namespace Scheduler.UnitTests.Api;

/// <summary>Calls any API method on either transport, for tests over all methods.</summary>
internal sealed class MethodCalls(ApiFixture api)
{
    public static IMessage New(ApiMethod method) => method.Descriptor.InputType.Parser.ParseFrom([]);

    public Task<HttpAnswer> HttpAsync(ApiMethod method, string? key, string account, string instance)
    {
        var body = method.Http.Body.Length == 0 ? null : Body(method, account, instance);
        return api.SendAsync(
            OpenApiDocumentSource.TemplateOf(method.Http).Verb.Method,
            Fill(method, account, instance),
            key,
            body
        );
    }

    /// <returns>The error; null for a successful call.</returns>
    public async Task<RpcException?> GrpcAsync(ApiMethod method, string? key, string account, string instance)
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

    /// <summary>A valid request, so that only the key and the account decide about the answer.</summary>
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
                    : parent.Contains("{instance}")
                    || parent.Contains("{balancer}")
                    || parent.Contains("{service}")
                    || parent.Contains("{key}")
                        ? 4
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
            case CreateServiceRequest r:
                (r.ServingName, r.Spec) = ("m", new ServiceSpec { Template = new LaunchSpec { Model = "a" } });
                break;
            case UpdateServiceRequest r:
                r.Spec = new ServiceSpec { Template = new LaunchSpec { Model = "a" } };
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
            case RepairInstanceRequest r:
                r.Remedy = "start-again";
                break;
            case TopUpAccountRequest r:
                (r.AmountMicroEur, r.Reference) = (1, "r");
                break;
            case RegisterModelRequest r:
                (r.Model, r.ConfigJson) = ("m", ByteString.CopyFromUtf8("{}"));
                break;
            case ImportModelRequest r:
                r.Repository = "a/m";
                break;
            case CreateRuleRequest r:
                r.RuleId = "r";
                break;
            case CreateSecretRequest r:
                (r.SecretId, r.Value) = ("s", "v");
                break;
            case RotateSecretRequest r:
                r.Value = "v";
                break;
            case JoinHostRequest r:
                (r.Token, r.HostId, r.Address, r.CertificateRequest) = (
                    $"join-aaaaaaaaaaaa-{new string('0', 64)}-{new string('0', 64)}",
                    "gpu-1",
                    "https://10.0.0.1:5090",
                    HostRequest
                );
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

    private static readonly string HostRequest = HostAuthority.NewRequest("gpu-1").Request;

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
            .Replace("{service}", "svc-aaaaaaaaaaaaaaaaaaaa")
            .Replace("{key}", "key-aaaaaaaaaaaa")
            .Replace("{model}", "m")
            .Replace("{rule}", "r")
            .Replace("{firewall}", "f")
            .Replace("{secret}", "s")
            .Replace("{provider}", "simulated")
            .Replace("{host}", "gpu-1")
            .Replace("{token}", "aaaaaaaaaaaa")
            .Replace("{code}", "OOM_KILLED")
            .Replace("{request}", "req-x");

    private static string Fill(ApiMethod method, string account, string instance) =>
        Replace(OpenApiDocumentSource.PathOf(method.Http), account, instance);

    private static string Body(ApiMethod method, string account, string instance)
    {
        var request = Request(method, account, instance);
        if (OpenApiDocumentSource.PathFieldOf(method.Http) is { } path)
        {
            method.Descriptor.InputType.FindFieldByName(path).Accessor.Clear(request);
        }

        return JsonFormatter.Default.Format(request);
    }
}
