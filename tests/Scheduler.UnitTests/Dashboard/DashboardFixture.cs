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

/// <summary>The real dashboard beside the real API on a real port, wired as the process wires them, in front of fake grains.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    private static readonly CommandContext AsTest = new(default, "test", null);

    private readonly DashboardFixture? _first;
    private readonly string _keys;
    private WebApplication _app = null!;

    /// <summary>The only door of a cluster.</summary>
    public DashboardFixture()
    {
        _keys = Directory.CreateTempSubdirectory("dashboard-keys").FullName;
        Cluster = new FakeCluster();
    }

    /// <summary>A second door of the same cluster, with the same folder of session keys.</summary>
    /// <param name="first">The first.</param>
    internal DashboardFixture(DashboardFixture first)
    {
        (_first, _keys, Cluster) = (first, first._keys, first.Cluster);
    }

    /// <summary>Settings of the section <c>Dashboard</c>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether the port speaks TLS, with a certificate that nobody signed.</summary>
    public bool HasTls { get; init; }

    /// <summary>By what that certificate is known.</summary>
    public string CertificateHash { get; private set; } = "";

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    internal FakeCluster Cluster { get; }

    public Uri Address { get; private set; } = null!;

    public string Operator { get; private set; } = "";

    public string KeyOfA { get; private set; } = "";

    public string KeyOfB { get; private set; } = "";

    /// <summary>What is A's own.</summary>
    internal Belongings OfA { get; } = new("acct-a", "a");

    /// <summary>What is B's own.</summary>
    internal Belongings OfB { get; } = new("acct-b", "b");

    /// <summary>Of the same form, and nobody's.</summary>
    internal Belongings OfNobody { get; } = new("acct-n", "n");

    /// <summary>Everything that is mapped under the dashboard's path.</summary>
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
        await FurnishAsync(OfA);
        await FurnishAsync(OfB);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_first is null)
        {
            Directory.Delete(_keys, recursive: true);
        }
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async Task<string> KeyAsync(AccountId? account, KeyRole role = KeyRole.Full, string? id = null)
    {
        var token = KeyAuthority.NewToken(id);
        await Cluster
            .Key(token.KeyId)
            .CreateAsync(new CreateKey(account, "", KeyAuthority.Fingerprint(token), role), AsTest);
        return token.Reveal();
    }

    /// <summary>Revokes a key as another process would: nobody tells this one.</summary>
    public Task RevokeAsync(string token) => Cluster.Key(ApiFixture.KeyIdOf(token)).RevokeAsync(AsTest);

    /// <summary>A window of somebody who has not signed in.</summary>
    internal Window Open() => new(this);

    /// <summary>A window of somebody who has.</summary>
    internal async Task<Window> OpenAsync(string token)
    {
        var window = Open();
        await window.SignInAsync(token);
        return window;
    }

    /// <summary>Only what names these accounts' things, in a text that can be compared.</summary>
    internal string StateOf(Belongings whose)
    {
        var instance = Cluster.All<FakeInstance>().Single(one => one.Record.Id.Value == whose.Instance).Record;
        var balancer = Cluster.All<FakeBalancer>().Single(one => one.Record.Id.Value == whose.Balancer).Record;
        var key = Cluster.All<FakeKey>().Single(one => one.Record.Id == whose.Key).Record;
        return string.Join(
            '|',
            instance.State,
            instance.Generation,
            balancer.Generation,
            key.RevokedAt,
            Cluster.All<FakeKey>().Count(one => one.Record.Account?.Value == whose.Account),
            Cluster.All<FakeInstance>().Count(one => one.Record.Account.Value == whose.Account)
        );
    }

    private async Task FurnishAsync(Belongings whose)
    {
        var account = new AccountId(whose.Account);
        await Cluster.Account(account).CreateAsync(new("", TimeSpan.Zero), AsTest);
        await KeyAsync(account, id: whose.Key);
        var spec = Make.Spec();
        var labels = ImmutableSortedDictionary<string, string>.Empty;
        await Cluster
            .Instance(new InstanceId(whose.Instance))
            .CreateAsync(new CreateInstance(account, "chat", spec, labels), AsTest);
        await Cluster
            .Schedules(new InstanceId(whose.Instance))
            .CreateAsync(
                whose.Schedule,
                new ScheduleSpec
                {
                    Action = ScheduleAction.Start,
                    Cron = "0 7 * * *",
                    TimeZone = "UTC",
                },
                AsTest
            );
        await Cluster
            .Balancer(new BalancerId(whose.Balancer))
            .CreateAsync(new(account, "front", new BalancerSpec()), AsTest);
        await Cluster
            .Firewalls(account)
            .CreateAsync(whose.Firewall, new FirewallDraft { Mode = FirewallMode.Block, Judge = "chat" }, AsTest);
        Cluster.Events.Enqueue(
            new SubjectEvent(
                new EventSubject("instance", whose.Instance, account),
                new StoredEvent
                {
                    Sequence = 1,
                    At = Clock.GetUtcNow(),
                    Trigger = "Created",
                    RequestId = new RequestId(whose.Request),
                    Actor = "test",
                }
            )
        );
    }

    private static X509Certificate2 OwnCertificate()
    {
        using var key = ECDsa.Create();
        var now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest("CN=window.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            now.AddDays(-1),
            now.AddDays(1)
        );
    }

    /// <summary>Scripts and styles are asked for by browsers, whose tests are elsewhere; here is a list without any.</summary>
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
