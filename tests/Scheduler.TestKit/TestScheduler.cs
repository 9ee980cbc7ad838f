using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using Orleans.TestingHost;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Models;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Grains.Keys;
using Scheduler.Storage;
using Scheduler.Storage.Secrets;
using Scheduler.Storage.Sqlite;

namespace Scheduler.TestKit;

/// <summary>
/// A complete scheduler in this process: silos, a new SQLite file, fake providers, and a clock that only the test
/// advances. Silos can be killed and started again on the same file.
/// </summary>
public sealed partial class TestScheduler : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("scheduler-test-");
    private readonly List<FakeProvider> _providers = [];
    private readonly List<SteppedClock> _machines = [];
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

    /// <summary>Start time of the fake clock.</summary>
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public short Silos { get; }

    /// <summary>The clock of grains and providers.</summary>
    public FakeTimeProvider Clock { get; } = new(Noon);

    /// <summary>The clocks of the silos' machines, which a test can set; those of the latest start, one per silo.</summary>
    public IReadOnlyList<SteppedClock> Machines => _machines;

    /// <summary>Deviation of the wall clock of every machine that starts from now on.</summary>
    public TimeSpan WallOffset { get; set; }

    public StorageFaults Faults { get; } = new();

    /// <summary>Log lines of level Warning and above.</summary>
    public TestLog Log { get; } = new();

    public IReadOnlyList<FakeProvider> Providers => _providers;

    /// <summary>The first provider.</summary>
    public FakeProvider Cloud => _providers[0];

    public SchedulerOptions Options { get; } = new();

    /// <summary>What the operator permits callers to do with runtimes; may change while it runs.</summary>
    public RuntimeOptions Runtimes { get; } = new();

    /// <summary>Providers beside the fake ones; only before the start.</summary>
    public IList<IProvider> OtherProviders { get; } = [];

    /// <summary>Where models are imported from; null without one.</summary>
    public IModelHub? Hub { get; set; }

    /// <summary>Folder of the database.</summary>
    public string Folder => _directory.FullName;

    /// <summary>The master keys; another one takes effect at the next start.</summary>
    public ISecretVault Vault { get; set; } = new EnvelopeVault(MasterKeys.Parse(MasterKeys.NewLine("test"))!);

    /// <summary>The store that the silos share.</summary>
    public SqliteStore Store { get; private set; }

    public InProcessTestCluster Cluster => _cluster ?? throw new InvalidOperationException("No silo is running.");

    /// <summary>For calls from outside.</summary>
    public IGrainFactory Grains => Cluster.Client;

    /// <summary>Services of the first silo.</summary>
    public IServiceProvider Services => Cluster.GetSiloServiceProvider(Cluster.Silos[0].SiloAddress);

    /// <summary>Starts a scheduler with one provider that offers <see cref="Make.DefaultOffers"/>.</summary>
    public static Task<TestScheduler> DeployAsync() => DeployAsync(_ => { });

    /// <summary>Starts a scheduler with the caller's providers and settings.</summary>
    /// <param name="setUp">Called before the silos start.</param>
    public static async Task<TestScheduler> DeployAsync(Action<TestScheduler> setUp, short silos = 1)
    {
        ArgumentNullException.ThrowIfNull(setUp);
        var scheduler = new TestScheduler(silos);
        setUp(scheduler);
        if (scheduler._providers.Count + scheduler.OtherProviders.Count == 0)
        {
            scheduler.AddProvider("cloud");
        }

        await scheduler.StartSilosAsync();
        return scheduler;
    }

    /// <summary>Only before the start.</summary>
    public FakeProvider AddProvider(string id)
    {
        var provider = new FakeProvider(id, Clock, Make.DefaultOffers(id));
        _providers.Add(provider);
        return provider;
    }

    /// <summary>Kills every silo and starts new ones on the same, reopened file.</summary>
    public async Task CrashAndRestartAsync()
    {
        await CrashAsync();
        await StartSilosAsync();
    }

    /// <summary>Kills every silo and closes the file.</summary>
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

    /// <summary>Starts the silos on the existing file and waits until offers are known.</summary>
    public async Task StartSilosAsync()
    {
        _machines.Clear();
        _cluster = await DeployClusterAsync(_machines);
        foreach (var provider in _providers.Concat(OtherProviders))
        {
            await Grains.Provider(provider.Id).RefreshAsync();
        }
    }

    /// <summary>
    /// A second cluster without knowledge of the first, on the same store and providers, as after a network split:
    /// every grain may have two activations. The caller disposes of it.
    /// </summary>
    public async Task<InProcessTestCluster> SplitAsync()
    {
        var other = await DeployClusterAsync([]);
        foreach (var provider in _providers)
        {
            await other.Client.Provider(provider.Id).RefreshAsync();
        }

        return other;
    }

    private async Task<InProcessTestCluster> DeployClusterAsync(List<SteppedClock> machines)
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
                var machine = new SteppedClock(Clock) { Offset = WallOffset };
                machines.Add(machine);
                silo.Services.AddSingleton<TimeProvider>(services =>
                    SteadyClock.Continue(machine, services.GetRequiredService<IStoredClock>())
                );
                silo.Services.UseTimeProviderForBackgroundAreas(TimeProvider.System);
                silo.AddSchedulerStorage(Store, "real");
                silo.Services.AddSingleton(Vault);
                silo.Services.AddKeyedSingleton<IGrainStorage>(
                    GrainStorageNames.Database,
                    (services, _) => new FaultyStorage(services.GetRequiredKeyedService<IGrainStorage>("real"), Faults)
                );
                silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(Options));
                silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(Runtimes));
                foreach (var provider in _providers.Concat(OtherProviders))
                {
                    silo.Services.AddSingleton(provider);
                }

                if (Hub is { } hub)
                {
                    silo.Services.AddSingleton(hub);
                }

                silo.Services.AddSchedulerGrains();
                // Keys use the real clock, because a test measures how soon a revocation takes effect.
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

    /// <summary>Context of a new request.</summary>
    /// <param name="account">Null for an operator.</param>
    /// <param name="clientRequestId">The caller's idempotency id.</param>
    public CommandContext As(AccountId? account, string? clientRequestId = null) =>
        new(
            new RequestId($"req-{Interlocked.Increment(ref _lastRequest).ToString(CultureInfo.InvariantCulture)}"),
            account is null ? "operator" : $"key:{account}",
            account,
            clientRequestId
        );

    public InstanceId NewInstanceId() =>
        new($"i-{Interlocked.Increment(ref _lastInstance).ToString("D20", CultureInfo.InvariantCulture)}");

    /// <summary>Advances the clock in small steps, each with a pause for the work that it triggers.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null)
    {
        var each = step ?? TimeSpan.FromSeconds(1);
        for (var passed = TimeSpan.Zero; passed < time; passed += each)
        {
            Clock.Advance(time - passed < each ? time - passed : each);
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    /// <summary>Sets the wall clocks of some machines, or of all, off by a time.</summary>
    public void SetWallClocks(TimeSpan offset, params ReadOnlySpan<int> machines)
    {
        if (machines.IsEmpty)
        {
            WallOffset = offset;
            _machines.ForEach(machine => machine.Offset = offset);
        }

        foreach (var machine in machines)
        {
            _machines[machine].Offset = offset;
        }
    }

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
