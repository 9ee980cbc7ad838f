using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Scheduler.Api;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Requests;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Inference;
using Scheduler.Inference.Balancers;
using Scheduler.Inference.Firewalls;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Scheduler.UnitTests.Edge.Limits;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>The real API and gateway, in front of fake grains and runtimes defined by a test.</summary>
public sealed class GatewayFixture : IAsyncDisposable
{
    public static readonly AccountId Account = new("acct-a");

    private readonly List<WebApplication> _apps = [];
    private WebApplication? _api;

    internal FakeCluster Cluster { get; } = new();

    internal IFirewallGate? Firewalls { get; init; }

    internal IDestinationPicker? Picker { get; init; }

    /// <summary>Settings of the section <c>Inference</c>.</summary>
    public IDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the section <c>Requests</c>.</summary>
    public IDictionary<string, string> RequestSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings of the section <c>Memory</c>.</summary>
    public IDictionary<string, string> MemorySettings { get; init; } = new Dictionary<string, string>();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Lines from level information on.</summary>
    public TestLog Log { get; } = new(LogLevel.Information);

    internal RequestLog Requests => _api!.Services.GetRequiredService<RequestLog>();

    /// <summary>Services of the gateway's process.</summary>
    public IServiceProvider Services => _api!.Services;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>The key of requests: a full key of the account by default.</summary>
    public string Key { get; set; } = "";

    internal static async Task<GatewayFixture> StartAsync(GatewayFixture? with = null)
    {
        var fixture = with ?? new GatewayFixture();
        await fixture.StartApiAsync();
        return fixture;
    }

    /// <summary>Starts a runtime on its own port and adds a running instance for it.</summary>
    internal async Task<FakeInstance> ServeAsync(
        string servingName,
        RequestDelegate runtime,
        long context = 8192,
        TokenizeShape? tokenizer = TokenizeShape.Vllm,
        int? atOnce = null,
        string? runtimeKey = null
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.Limits.MaxRequestBodySize = null;
                kestrel.Listen(IPAddress.Loopback, 0);
            });
        var app = builder.Build();
        app.Run(runtime);
        await app.StartAsync(TestContext.Current.CancellationToken);
        _apps.Add(app);
        var id = new InstanceId($"i-{servingName}");
        var instance = (FakeInstance)Cluster.Instance(id);
        var allocation = new AllocationKey($"{id}-r1-a1");
        instance.RuntimeKey = runtimeKey;
        instance.Put(
            new InstanceRecord
            {
                Account = Account,
                ServingName = servingName,
                State = InstanceState.Running,
                Run = 1,
                Intent = runtimeKey is null
                    ? null
                    : new AllocationIntent { Key = allocation, RuntimeKey = new SealedValue() },
                Spec = new LaunchSpec { ContextTokens = context, SequencesAtOnce = atOnce },
                Allocation = new Allocation
                {
                    Key = allocation,
                    Endpoint = new Uri(app.Urls.First() + "/base/"),
                    Status = AllocationStatus.Ready,
                    Tokenizer = tokenizer is { } shape ? new RuntimeTokenizer("/tokenize", shape) : null,
                },
            }
        );
        return instance;
    }

    public Task<string> KeyAsync(KeyRole role) => KeyAsync(role, Account);

    /// <param name="account">Null for an operator's key.</param>
    public async Task<string> KeyAsync(KeyRole role, AccountId? account)
    {
        var token = KeyAuthority.NewToken();
        await Cluster
            .Key(token.KeyId)
            .CreateAsync(new CreateKey(account, "", KeyAuthority.Fingerprint(token), role), new(default, "test", null));
        return token.Reveal();
    }

    public async Task<HttpResponseMessage> PostAsync(
        string path,
        string body,
        HttpCompletionOption until = HttpCompletionOption.ResponseContentRead
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Key}");
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return await Http.SendAsync(request, until, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends any request with the key of the fixture.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        string method,
        string path,
        HttpContent? content = null,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {Key}");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>What is kept about a request; waits for its end, which the client can see a moment earlier.</summary>
    internal async Task<AnsweredRequest> KeptAsync(string id) =>
        (
            await Eventually.UntilAsync(
                async () => await Requests.FindAsync(id, null, 1, TestContext.Current.CancellationToken),
                found => found.Length == 1,
                "the request has ended"
            )
        )[0];

    /// <summary>A balancer <c>front</c> with these members of equal weight in turns.</summary>
    internal FakeBalancer Balance(HealthSettings? health = null, params string[] members)
    {
        var balancer = (FakeBalancer)Cluster.Balancer(new BalancerId("bal-aaaaaaaaaaaaaaaaaaaa"));
        balancer.Put(
            new BalancerRecord
            {
                Account = Account,
                ServingName = "front",
                Spec = Balancers.PickerWorld.Group(
                    GroupPolicy.WeightedRoundRobin,
                    [.. members.Select(name => (name, 1))]
                ) with
                {
                    Health = health ?? Balancers.PickerWorld.Calm,
                },
            }
        );
        return balancer;
    }

    /// <summary>Sends a request and reads the error of its answer.</summary>
    public async Task<(int Status, JsonElement Error)> RefusedAsync(string path, string body)
    {
        using var response = await PostAsync(path, body);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), error.GetProperty("request_id").GetString());
        return ((int)response.StatusCode, error);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var app in _apps.AsEnumerable().Reverse())
        {
            await app.StopAsync(TestContext.Current.CancellationToken);
            await app.DisposeAsync();
        }
    }

    private async Task StartApiAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(Log);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http1)
        );
        builder.Configuration.AddInMemoryCollection(
            RequestSettings.Select(setting => KeyValuePair.Create($"Requests:{setting.Key}", (string?)setting.Value))
        );
        builder.Configuration.AddInMemoryCollection(
            MemorySettings.Select(setting => KeyValuePair.Create($"Memory:{setting.Key}", (string?)setting.Value))
        );
        builder.Services.AddSingleton(Clock);
        builder.Services.AddSingleton<IFullCollections, QuickCollections>();
        builder.Configuration.AddInMemoryCollection(
            Settings.Select(setting => KeyValuePair.Create($"Inference:{setting.Key}", (string?)setting.Value))
        );
        builder.Services.AddSingleton<IGrainFactory>(Cluster);
        builder.Services.AddApi(builder.Configuration);
        builder.Services.AddInference(builder.Configuration);
        if (Firewalls is not null)
        {
            builder.Services.Replace(ServiceDescriptor.Singleton(Firewalls));
        }

        if (Picker is not null)
        {
            builder.Services.Replace(ServiceDescriptor.Singleton(Picker));
        }

        var app = builder.Build();
        app.MapApi();
        app.MapInference();
        await app.StartAsync(TestContext.Current.CancellationToken);
        _apps.Add(app);
        _api = app;
        Http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = new Uri(app.Urls.First()) };
        Key = await KeyAsync(KeyRole.Full);
    }
}
