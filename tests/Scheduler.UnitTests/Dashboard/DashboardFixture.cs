using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Api;
using Scheduler.Dashboard;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>The real dashboard and API on a real port, set up as in the process, in front of fake grains.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    private static readonly CommandContext AsTest = new(default, "test", null);

    private readonly DashboardFixture? _first;
    private readonly string _keys;
    private WebApplication _app = null!;

    /// <summary>The only process of a cluster.</summary>
    public DashboardFixture()
    {
        _keys = Directory.CreateTempSubdirectory("dashboard-keys").FullName;
        Cluster = new FakeCluster();
    }

    /// <summary>A second process of the same cluster, with the same folder of session keys.</summary>
    internal DashboardFixture(DashboardFixture first)
    {
        (_first, _keys, Cluster) = (first, first._keys, first.Cluster);
    }

    /// <summary>Settings of the section <c>Dashboard</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the port uses TLS, with a self-signed certificate.</summary>
    public bool HasTls { get; init; }

    /// <summary>SHA-1 hash of that certificate; empty without TLS.</summary>
    public string CertificateHash { get; private set; } = "";

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    internal FakeCluster Cluster { get; }

    public Uri Address { get; private set; } = null!;

    public string Operator { get; private set; } = "";

    public string KeyOfA { get; private set; } = "";

    public string KeyOfB { get; private set; } = "";

    internal AccountResources OfA { get; } = new("acct-a", "a");

    internal AccountResources OfB { get; } = new("acct-b", "b");

    /// <summary>Valid ids of resources that do not exist.</summary>
    internal AccountResources Missing { get; } = new("acct-n", "n");

    /// <summary>All endpoints under the dashboard's path.</summary>
    internal IReadOnlyList<Page> Pages =>
        [
            .. ((IEndpointRouteBuilder)_app)
                .DataSources.SelectMany(source => source.Endpoints)
                .OfType<RouteEndpoint>()
                .Select(Page.Of)
                .Where(page => page.Template.StartsWith(DashboardSetup.Root, StringComparison.Ordinal))
                .Distinct(),
        ];

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                0,
                port =>
                {
                    if (HasTls)
                    {
                        var certificate = OwnCertificate();
                        CertificateHash = certificate.GetCertHashString();
                        port.UseHttps(certificate);
                    }
                }
            )
        );
        builder.Services.AddSingleton<IGrainFactory>(Cluster);
        builder.Services.AddSingleton<TimeProvider>(Clock);
        builder.Configuration.AddInMemoryCollection(
            Settings.Select(setting => KeyValuePair.Create($"Dashboard:{setting.Key}", (string?)setting.Value))
        );
        builder.Services.AddApi(builder.Configuration);
        builder.Services.AddDashboard(builder.Configuration, _keys);
        await WithoutAssetsAsync(builder.Environment);
        _app = builder.Build();
        _app.MapApi();
        _app.MapDashboard();
        _app.MapGet($"{DashboardSetup.OrleansPath}/", () => "Orleans").ForOperators();
        await _app.StartAsync(TestContext.Current.CancellationToken);
        Address = new Uri(_app.Urls.Single());
        if (_first is not null)
        {
            (Operator, KeyOfA, KeyOfB) = (_first.Operator, _first.KeyOfA, _first.KeyOfB);
            return;
        }

        Operator = await KeyAsync(null);
        KeyOfA = await KeyAsync(new AccountId(OfA.Account));
        KeyOfB = await KeyAsync(new AccountId(OfB.Account));
        await CreateResourcesAsync(OfA);
        await CreateResourcesAsync(OfB);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_first is null)
        {
            Directory.Delete(_keys, recursive: true);
        }
    }

    /// <summary>The process is asked to stop, and still serves.</summary>
    public void RequestStop() => _app.Lifetime.StopApplication();

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async Task<string> KeyAsync(AccountId? account, KeyRole role = KeyRole.Full, string? id = null)
    {
        var token = KeyAuthority.NewToken(id);
        await Cluster
            .Key(token.KeyId)
            .CreateAsync(new CreateKey(account, "", KeyAuthority.Fingerprint(token), role), AsTest);
        return token.Reveal();
    }

    /// <summary>Revokes a key as another process does, without notifying this one.</summary>
    public Task RevokeAsync(string token) => Cluster.Key(ApiFixture.KeyIdOf(token)).RevokeAsync(AsTest);

    /// <summary>Opens a browser without a session.</summary>
    internal Browser Open() => new(this);

    /// <summary>Opens a browser and signs in.</summary>
    internal async Task<Browser> OpenAsync(string token)
    {
        var browser = Open();
        await browser.SignInAsync(token);
        return browser;
    }

    /// <summary>The state of an account's resources as a text, for comparison.</summary>
    internal string StateOf(AccountResources resources)
    {
        var instance = Cluster.All<FakeInstance>().Single(one => one.Record.Id.Value == resources.Instance).Record;
        var balancer = Cluster.All<FakeBalancer>().Single(one => one.Record.Id.Value == resources.Balancer).Record;
        var key = Cluster.All<FakeKey>().Single(one => one.Record.Id == resources.Key).Record;
        return string.Join(
            '|',
            instance.State,
            instance.Generation,
            balancer.Generation,
            key.RevokedAt,
            Cluster.All<FakeKey>().Count(one => one.Record.Account?.Value == resources.Account),
            Cluster.All<FakeInstance>().Count(one => one.Record.Account.Value == resources.Account)
        );
    }

    private async Task CreateResourcesAsync(AccountResources resources)
    {
        var account = new AccountId(resources.Account);
        await Cluster.Account(account).CreateAsync(new("", TimeSpan.Zero), AsTest);
        await KeyAsync(account, id: resources.Key);
        var spec = Make.Spec();
        var labels = ImmutableSortedDictionary<string, string>.Empty;
        await Cluster
            .Instance(new InstanceId(resources.Instance))
            .CreateAsync(new CreateInstance(account, "chat", spec, labels), AsTest);
        await Cluster
            .Schedules(new InstanceId(resources.Instance))
            .CreateAsync(
                resources.Schedule,
                new ScheduleSpec
                {
                    Action = ScheduleAction.Start,
                    Cron = "0 7 * * *",
                    TimeZone = "UTC",
                },
                AsTest
            );
        await Cluster
            .Balancer(new BalancerId(resources.Balancer))
            .CreateAsync(new(account, "front", new BalancerSpec()), AsTest);
        await Cluster
            .Firewalls(account)
            .CreateAsync(resources.Firewall, new FirewallDraft { Mode = FirewallMode.Block, Judge = "chat" }, AsTest);
        Cluster.Events.Enqueue(
            new SubjectEvent(
                new EventSubject("instance", resources.Instance, account),
                new StoredEvent
                {
                    Sequence = 1,
                    At = Clock.GetUtcNow(),
                    Trigger = "Created",
                    RequestId = new RequestId(resources.Request),
                    Actor = "test",
                }
            )
        );
    }

    private static X509Certificate2 OwnCertificate()
    {
        using var key = ECDsa.Create();
        var now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest("CN=dashboard.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            now.AddDays(-1),
            now.AddDays(1)
        );
    }

    /// <summary>Provides an empty list of static assets: only the browser tests load scripts and styles.</summary>
    private static Task WithoutAssetsAsync(IHostEnvironment environment)
    {
        environment.ApplicationName = "Scheduler.UnitTests.Dashboard";
        return File.WriteAllTextAsync(
            Path.Combine(AppContext.BaseDirectory, $"{environment.ApplicationName}.staticwebassets.endpoints.json"),
            """{"Version":1,"ManifestType":"Build","Endpoints":[]}""",
            TestContext.Current.CancellationToken
        );
    }
}
