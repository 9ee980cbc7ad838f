using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;
using Request = Scheduler.Api.V1.Request;
using Status = Google.Rpc.Status;

namespace Scheduler.SystemTests;

/// <summary>The API over one transport, so that a test can run over both.</summary>
internal abstract class ApiClient
{
    public static ApiClient Of(string transport, SchedulerProcess scheduler, string? token = null) =>
        transport == "http"
            ? new HttpApiClient(scheduler.Http, token ?? scheduler.Token)
            : new GrpcApiClient(scheduler, token ?? scheduler.Token);

    public Task<Reply<Account>> CreateAccountAsync(string id) =>
        CallAsync<CreateAccountRequest, Account>(new() { AccountId = id }, HttpMethod.Post, "accounts");

    public Task<Reply<Account>> GetAccountAsync(string name) =>
        CallAsync<GetAccountRequest, Account>(new() { Name = name }, HttpMethod.Get, name);

    public Task<Reply<TopUpAccountResponse>> TopUpAsync(string account, long amount, string reference) =>
        CallAsync<TopUpAccountRequest, TopUpAccountResponse>(
            new()
            {
                Name = account,
                AmountMicroEur = amount,
                Reference = reference,
            },
            HttpMethod.Post,
            $"{account}:topUp"
        );

    public Task<Reply<CreateKeyResponse>> CreateKeyAsync(string account, KeyRole role = KeyRole.Unspecified) =>
        CallAsync<CreateKeyRequest, CreateKeyResponse>(
            new() { Parent = account, Role = role },
            HttpMethod.Post,
            $"{account}/keys"
        );

    public Task<Reply<Key>> RevokeKeyAsync(string name) =>
        CallAsync<RevokeKeyRequest, Key>(new() { Name = name }, HttpMethod.Post, $"{name}:revoke");

    public Task<Reply<Instance>> CreateInstanceAsync(string account, string servingName, LaunchSpec spec) =>
        CallAsync<CreateInstanceRequest, Instance>(
            new()
            {
                Parent = account,
                ServingName = servingName,
                Spec = spec,
            },
            HttpMethod.Post,
            $"{account}/instances"
        );

    public Task<Reply<Instance>> GetInstanceAsync(string name) =>
        CallAsync<GetInstanceRequest, Instance>(new() { Name = name }, HttpMethod.Get, name);

    public Task<Reply<Instance>> StartAsync(string name) =>
        CallAsync<StartInstanceRequest, Instance>(new() { Name = name }, HttpMethod.Post, $"{name}:start");

    public Task<Reply<Instance>> StopAsync(string name) =>
        CallAsync<StopInstanceRequest, Instance>(new() { Name = name }, HttpMethod.Post, $"{name}:stop");

    public Task<Reply<Instance>> UpdateAsync(string name, LaunchSpec spec, params string[] paths) =>
        CallAsync<UpdateInstanceRequest, Instance>(
            new()
            {
                Name = name,
                Spec = spec,
                UpdateMask = new FieldMask { Paths = { paths } },
            },
            HttpMethod.Patch,
            name
        );

    public Task<Reply<LaunchExplanation>> ExplainAsync(string name) =>
        CallAsync<ExplainInstanceRequest, LaunchExplanation>(new() { Name = name }, HttpMethod.Post, $"{name}:explain");

    public Task<Reply<Request>> GetRequestAsync(string id) =>
        CallAsync<GetRequestRequest, Request>(new() { Name = $"requests/{id}" }, HttpMethod.Get, $"requests/{id}");

    public async Task<Instance> UntilAsync(string name, Func<Instance, bool> isThere)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var seen = (await GetInstanceAsync(name)).Ok;
            if (isThere(seen))
            {
                return seen;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(40),
                $"The instance stays {seen}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);
        }
    }

    protected abstract Task<Reply<TOut>> CallAsync<TIn, TOut>(TIn request, HttpMethod verb, string path)
        where TIn : class, IMessage<TIn>
        where TOut : class, IMessage<TOut>, new();
}

internal sealed class HttpApiClient(Uri address, string token) : ApiClient
{
    private static readonly TypeRegistry Types = TypeRegistry.FromMessages(
        ErrorInfo.Descriptor,
        RequestInfo.Descriptor,
        Help.Descriptor,
        RetryInfo.Descriptor,
        LocalizedMessage.Descriptor,
        BadRequest.Descriptor
    );

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithTypeRegistry(Types));
    private static readonly HttpClient Client = new();

    /// <summary>Null sends no header.</summary>
    public string? Authorization { get; init; } = $"Bearer {token}";

    protected override async Task<Reply<TOut>> CallAsync<TIn, TOut>(TIn request, HttpMethod verb, string path)
    {
        using var message = new HttpRequestMessage(verb, new Uri(address, "v1/" + path));
        if (Authorization is not null)
        {
            message.Headers.TryAddWithoutValidation("Authorization", Authorization);
        }

        if (verb != HttpMethod.Get)
        {
            message.Content = new StringContent(Body(request), Encoding.UTF8, "application/json");
        }

        using var answer = await Client.SendAsync(message, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var id = Assert.Single(answer.Headers.GetValues("X-Request-Id"));
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        var status = (int)answer.StatusCode;
        return answer.IsSuccessStatusCode
            ? new Reply<TOut>(Parser.Parse<TOut>(text), null, id, null, status)
            : new Reply<TOut>(null, Parser.Parse<Status>(text), id, null, status);
    }

    /// <summary>Leaves out the fields that the path already contains.</summary>
    private static string Body<T>(T request)
        where T : class, IMessage<T>
    {
        var rest = request.Clone();
        foreach (var name in new[] { "name", "parent" })
        {
            rest.Descriptor.FindFieldByName(name)?.Accessor.Clear(rest);
        }

        return JsonFormatter.Default.Format(rest);
    }
}

internal sealed class GrpcApiClient(SchedulerProcess scheduler, string token) : ApiClient
{
    /// <summary>Null sends no header.</summary>
    public string? Authorization { get; init; } = $"Bearer {token}";

    protected override async Task<Reply<TOut>> CallAsync<TIn, TOut>(TIn request, HttpMethod verb, string path)
    {
        var headers = new Metadata();
        if (Authorization is not null)
        {
            headers.Add("authorization", Authorization);
        }

        var cancellation = TestContext.Current.CancellationToken;
        using var call = Call<TOut>(request, headers, cancellation);
        try
        {
            var value = await call;
            return new Reply<TOut>(value, null, IdIn(await call.ResponseHeadersAsync)!, StatusCode.OK, null);
        }
        catch (RpcException refused)
        {
            var id = IdIn(refused.Trailers) ?? IdIn(await call.ResponseHeadersAsync);
            Assert.NotNull(id);
            return new Reply<TOut>(null, refused.GetRpcStatus(), id, refused.StatusCode, null);
        }
    }

    private AsyncUnaryCall<TOut> Call<TOut>(IMessage request, Metadata headers, CancellationToken cancellation)
    {
        object answer = request switch
        {
            CreateAccountRequest r => Accounts.CreateAccountAsync(r, headers, null, cancellation),
            GetAccountRequest r => Accounts.GetAccountAsync(r, headers, null, cancellation),
            TopUpAccountRequest r => Accounts.TopUpAccountAsync(r, headers, null, cancellation),
            CreateKeyRequest r => Keys.CreateKeyAsync(r, headers, null, cancellation),
            RevokeKeyRequest r => Keys.RevokeKeyAsync(r, headers, null, cancellation),
            CreateInstanceRequest r => Instances.CreateInstanceAsync(r, headers, null, cancellation),
            GetInstanceRequest r => Instances.GetInstanceAsync(r, headers, null, cancellation),
            StartInstanceRequest r => Instances.StartInstanceAsync(r, headers, null, cancellation),
            StopInstanceRequest r => Instances.StopInstanceAsync(r, headers, null, cancellation),
            UpdateInstanceRequest r => Instances.UpdateInstanceAsync(r, headers, null, cancellation),
            ExplainInstanceRequest r => Instances.ExplainInstanceAsync(r, headers, null, cancellation),
            GetRequestRequest r => Requests.GetRequestAsync(r, headers, null, cancellation),
            _ => throw new ArgumentException("Unknown request type.", nameof(request)),
        };
        return (AsyncUnaryCall<TOut>)answer;
    }

    private Accounts.AccountsClient Accounts => new(scheduler.Channel);

    private Keys.KeysClient Keys => new(scheduler.Channel);

    private Instances.InstancesClient Instances => new(scheduler.Channel);

    private Requests.RequestsClient Requests => new(scheduler.Channel);

    private static string? IdIn(Metadata metadata) => metadata.GetValue("x-request-id");
}
