using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Scheduler.Api;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Keys;
using Scheduler.Inference;
using Scheduler.Inference.Upstream;
using Scheduler.UnitTests.Api;
using Scheduler.UnitTests.Inference.Firewalls;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>
/// The whole pipeline of API and gateway without sockets: requests are calls of the server's application. The runtime
/// records what it receives, and every judge answers no.
/// </summary>
internal sealed class DirectGateway : IAsyncDisposable, IServer, IInstanceChat
{
    private readonly FakeCluster _cluster = new();
    private WebApplication? _app;
    private Func<IFeatureCollection, Task> _handle = null!;
    private string _key = "";

    /// <summary>Bodies that runtimes received.</summary>
    public Action<ReadOnlyMemory<byte>> Received { get; set; } = _ => { };

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <param name="firewalls">Firewall of each instance by its serving name; null for none.</param>
    public static async Task<DirectGateway> StartAsync(IReadOnlyDictionary<string, FirewallMode?> firewalls)
    {
        var gateway = new DirectGateway();
        await gateway.AddAsync(firewalls);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IServer>(gateway);
        builder.Services.AddSingleton<IGrainFactory>(gateway._cluster);
        builder.Services.AddApi(builder.Configuration);
        builder.Services.AddInference(builder.Configuration);
        builder.Services.Replace(ServiceDescriptor.Singleton(_ => new RuntimeClient(new Runtime(gateway))));
        builder.Services.Replace(ServiceDescriptor.Singleton<IInstanceChat>(gateway));
        gateway._app = builder.Build();
        gateway._app.MapApi();
        gateway._app.MapInference();
        await gateway._app.StartAsync(TestContext.Current.CancellationToken);
        return gateway;
    }

    /// <returns>Status and body of the answer.</returns>
    public async Task<(int Status, string Body)> SendAsync(
        string path,
        byte[] body,
        string contentType = "application/json",
        string? contentEncoding = null
    )
    {
        var answer = new Answer();
        IHeaderDictionary headers = new HeaderDictionary();
        headers.ContentLength = body.Length;
        headers.ContentType = contentType;
        headers.Authorization = $"Bearer {_key}";
        if (contentEncoding is not null)
        {
            headers.ContentEncoding = contentEncoding;
        }

        var request = new HttpRequestFeature
        {
            Method = "POST",
            Path = path,
            Protocol = "HTTP/1.1",
            Scheme = "http",
            Body = new MemoryStream(body),
            Headers = headers,
        };
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(answer);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer.Content));
        await _handle(features);
        return (answer.StatusCode, Encoding.UTF8.GetString(answer.Content.ToArray()));
    }

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _handle = async features =>
        {
            var context = application.CreateContext(features);
            try
            {
                await application.ProcessRequestAsync(context);
                await ((Answer)features.GetRequiredFeature<IHttpResponseFeature>()).StartAsync();
            }
            finally
            {
                application.DisposeContext(context, null);
            }
        };
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    ) => ScriptedJudge.Say(question, "false");

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.StopAsync(CancellationToken.None);
            await _app.DisposeAsync();
        }
    }

    public void Dispose() { }

    private async Task AddAsync(IReadOnlyDictionary<string, FirewallMode?> firewalls)
    {
        var context = new CommandContext(new RequestId("req-0"), "test", null);
        await _cluster.Account(GatewayFixture.Account).CreateAsync(new("", TimeSpan.Zero), context);
        foreach (var (name, mode) in firewalls)
        {
            ((FakeInstance)_cluster.Instance(new InstanceId($"i-{name}"))).Put(
                new InstanceRecord
                {
                    Account = GatewayFixture.Account,
                    ServingName = name,
                    State = InstanceState.Running,
                    Run = 1,
                    Firewall = mode is null ? null : name,
                    Spec = new LaunchSpec { ContextTokens = int.MaxValue },
                    Allocation = new Allocation
                    {
                        Endpoint = new Uri("http://runtime.invalid/"),
                        Status = AllocationStatus.Ready,
                    },
                }
            );
            if (mode is { } known)
            {
                await _cluster
                    .Firewalls(GatewayFixture.Account)
                    .CreateAsync(
                        name,
                        new FirewallDraft
                        {
                            Mode = known,
                            Judge = "judge",
                            Rules = ["jailbreak"],
                        },
                        context
                    );
            }
        }

        var token = KeyAuthority.NewToken();
        await _cluster
            .Key(token.KeyId)
            .CreateAsync(
                new CreateKey(GatewayFixture.Account, "", KeyAuthority.Fingerprint(token), KeyRole.Full),
                new(default, "test", null)
            );
        _key = token.Reveal();
    }

    /// <summary>Every runtime: it records the body and answers one word on every path.</summary>
    private sealed class Runtime(DirectGateway gateway) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            gateway.Received(await request.Content!.ReadAsByteArrayAsync(cancellationToken));
            return new HttpResponseMessage
            {
                Content = new StringContent("""{"choices":[{"message":{"content":"fine"}}]}"""),
            };
        }
    }

    /// <summary>An answer that starts when the request has ended.</summary>
    private sealed class Answer : HttpResponseFeature
    {
        private readonly Stack<(Func<object, Task> Callback, object State)> _starting = new();

        public MemoryStream Content { get; } = new();

        public override void OnStarting(Func<object, Task> callback, object state) => _starting.Push((callback, state));

        public async Task StartAsync()
        {
            while (_starting.TryPop(out var next))
            {
                await next.Callback(next.State);
            }
        }
    }
}
