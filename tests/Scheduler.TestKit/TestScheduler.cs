using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using Orleans.TestingHost;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;

namespace Scheduler.TestKit;

/// <summary>
/// A whole scheduler in this process: silos, a real SQLite file of its own, fake providers, a clock that stands still until told. Silos
/// may be killed and started again on the same file.
/// </summary>
public sealed partial class TestScheduler : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("scheduler-test-");
    private readonly List<FakeProvider> _providers = [];
    private readonly StorageOptions _storage;
    private InProcessTestCluster? _cluster;
    private int _lastRequest;
    private int _lastInstance;

    private TestScheduler(short silos)
    {
        Silos = silos;
        _storage = new StorageOptions
        {
            Sqlite = { Path = Path.Combine(_directory.FullName, "scheduler.db"), Synchronous = "NORMAL" },
        };
        Store = SqliteStore.Open(_storage, TimeProvider.System);
    }

    /// <summary>When the fake clock begins.</summary>
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>How many silos.</summary>
    public short Silos { get; }

    /// <summary>The clock of grains and providers.</summary>
    public FakeTimeProvider Clock { get; } = new(Noon);

    /// <summary>Which storage writes fail.</summary>
    public StorageFaults Faults { get; } = new();

    /// <summary>What was logged at Warning and above, for tests that look into it.</summary>
    public TestLog Log { get; } = new();

    /// <summary>The providers.</summary>
    public IReadOnlyList<FakeProvider> Providers => _providers;

    /// <summary>The first provider.</summary>
    public FakeProvider Cloud => _providers[0];

    /// <summary>The settings.</summary>
    public SchedulerOptions Options { get; } = new();

    /// <summary>The store the silos share.</summary>
    public SqliteStore Store { get; private set; }

    /// <summary>The silos.</summary>
    public InProcessTestCluster Cluster => _cluster ?? throw new InvalidOperationException("No silo is running.");

    /// <summary>For calls from outside.</summary>
    public IGrainFactory Grains => Cluster.Client;

    /// <summary>Services of the first silo.</summary>
    public IServiceProvider Services => Cluster.GetSiloServiceProvider(Cluster.Silos[0].SiloAddress);

    /// <summary>A scheduler with one provider that rents <see cref="Make.DefaultOffers"/>.</summary>
    public static Task<TestScheduler> DeployAsync() => DeployAsync(_ => { });

    /// <summary>A scheduler, set up by the caller: providers, settings.</summary>
    /// <param name="setUp">Called before the silos start.</param>
    /// <param name="silos">How many.</param>
    public static async Task<TestScheduler> DeployAsync(Action<TestScheduler> setUp, short silos = 1)
    {
        ArgumentNullException.ThrowIfNull(setUp);
        var scheduler = new TestScheduler(silos);
        setUp(scheduler);
        if (scheduler._providers.Count == 0)
        {
            scheduler.AddProvider("cloud");
        }

        await scheduler.StartSilosAsync();
        return scheduler;
    }

    /// <summary>Adds a provider; only before the start.</summary>
    public FakeProvider AddProvider(string id)
    {
        var provider = new FakeProvider(id, Clock, Make.DefaultOffers(id));
        _providers.Add(provider);
        return provider;
    }

    /// <summary>Kills every silo where it stands and starts new ones on the same file, opened anew.</summary>
    public async Task CrashAndRestartAsync()
    {
        await CrashAsync();
        await StartSilosAsync();
    }

    /// <summary>Kills every silo where it stands, and closes the file.</summary>
    public async Task CrashAsync()
    {
        var cluster = Cluster;
        _cluster = null;
        foreach (var silo in cluster.Silos.ToList())
        {
            await cluster.KillSiloAsync(silo);
        }

        await cluster.DisposeAsync();
        Store.Dispose();
        Store = SqliteStore.Open(_storage, TimeProvider.System);
    }

    /// <summary>Starts the silos on the file there is, and waits until offers are known.</summary>
    public async Task StartSilosAsync()
    {
        _cluster = await DeployClusterAsync();
        foreach (var provider in _providers)
        {
            await Grains.Provider(provider.Id).RefreshAsync();
        }
    }

    /// <summary>
    /// A second cluster that knows nothing of the first, on the same store and providers: what a network cut in two leaves, and every grain
    /// may be active twice. The caller disposes of it.
    /// </summary>
    public async Task<InProcessTestCluster> SplitAsync()
    {
        var other = await DeployClusterAsync();
        foreach (var provider in _providers)
        {
            await other.Client.Provider(provider.Id).RefreshAsync();
        }

        return other;
    }

    private async Task<InProcessTestCluster> DeployClusterAsync()
    {
        var builder = new InProcessTestClusterBuilder(Silos);
        builder.Options.ConfigureFileLogging = false;
        builder.Options.ServiceId = "scheduler";
        builder.ConfigureSiloHost(
            (_, host) =>
            {
                host.Logging.ClearProviders();
                host.Logging.AddProvider(Log);
                host.Logging.SetMinimumLevel(LogLevel.Warning);
            }
        );
        builder.ConfigureSilo(
            (_, silo) =>
            {
                silo.Services.AddSingleton<TimeProvider>(Clock);
                silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
                silo.AddSchedulerStorage(Store, "real");
                silo.Services.AddKeyedSingleton<IGrainStorage>(
                    GrainStorageNames.Database,
                    (services, _) => new FaultyStorage(services.GetRequiredKeyedService<IGrainStorage>("real"), Faults)
                );
                silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(Options));
                foreach (var provider in _providers)
                {
                    silo.Services.AddSingleton<IProvider>(provider);
                }

                silo.Services.AddSchedulerGrains();
                // Keys live by the real clock: how soon a revocation is known is measured, not told.
                silo.Services.AddSingleton(services => new KeyAuthority(
                    services.GetRequiredService<IGrainFactory>(),
                    TimeProvider.System,
                    services.GetRequiredService<ILogger<KeyAuthority>>()
                ));
            }
        );
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    /// <summary>A context of a fresh request.</summary>
    /// <param name="account">Whose; null for an operator.</param>
    /// <param name="clientRequestId">The caller's idempotency id.</param>
    public CommandContext As(AccountId? account, string? clientRequestId = null) =>
        new(
            new RequestId($"req-{Interlocked.Increment(ref _lastRequest).ToString(CultureInfo.InvariantCulture)}"),
            account is null ? "operator" : $"key:{account}",
            account,
            clientRequestId
        );

    /// <summary>An id nobody has.</summary>
    public InstanceId NewInstanceId() =>
        new($"i-{Interlocked.Increment(ref _lastInstance).ToString("D20", CultureInfo.InvariantCulture)}");

    /// <summary>Lets time pass in small steps, each with a moment for what it sets off.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null)
    {
        var each = step ?? TimeSpan.FromSeconds(1);
        for (var passed = TimeSpan.Zero; passed < time; passed += each)
        {
            Clock.Advance(time - passed < each ? time - passed : each);
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            _cluster = null;
        }

        Store.Dispose();
        _directory.Delete(recursive: true);
    }
}
