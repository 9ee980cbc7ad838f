using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;
using Scheduler.Providers.Process;
using Scheduler.Providers.Worker;
using Scheduler.Providers.WorkerAgent;
using Scheduler.ProviderTests.Process;

namespace Scheduler.ProviderTests.Worker;

/// <summary>Workers of several hosts with mutual TLS and real child processes, all in this process.</summary>
internal sealed class WorkerWorld(TimeProvider clock) : IAsyncDisposable
{
    private static int _lastPort = 28_500;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("workers-");
    private readonly Dictionary<string, RunningWorker> _workers = new(StringComparer.Ordinal);

    public FakeRegistry Registry { get; } = new(clock);

    public IAllocationJournal Journal { get; } = new InMemoryAllocationJournal();

    public WorkerOptions Options { get; } =
        new()
        {
            Enabled = true,
            CallTimeout = TimeSpan.FromSeconds(20),
            WatchEvery = TimeSpan.FromMilliseconds(50),
        };

    /// <summary>An adapter of the scheduler: the first one, or that of a restarted or another silo.</summary>
    public WorkerProvider Open() => new(Options, Registry, Journal, clock, NullLogger<WorkerProvider>.Instance);

    /// <summary>Makes a host, signs its certificate as a join does, and starts its worker.</summary>
    /// <param name="validFrom">When its certificate was signed; null for now.</param>
    public async Task JoinAsync(string name, int cpu = 3, DateTimeOffset? validFrom = null)
    {
        var firstPort = Interlocked.Add(ref _lastPort, 20);
        var worker = new RunningWorker(name, Path.Combine(_folder.FullName, name), firstPort, cpu);
        _workers[name] = worker;
        var identity = new WorkerIdentity(worker.Folder);
        identity.SetFacts(new HostFacts(name, "127.0.0.1", 1));
        var request = identity.FirstRequest(name);
        identity.Accept(Registry.Sign(name, request, validFrom), Registry.Authority);
        await StartAsync(name);
    }

    /// <summary>Starts the worker of a host again, on another port: the registry then tells it.</summary>
    public async Task StartAsync(string name)
    {
        var worker = _workers[name];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var identity = new WorkerIdentity(worker.Folder);
        var processes = NewProcesses(worker);
        builder.Services.AddSingleton(clock);
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, endpoint => WorkerAgentSetup.UseMutualTls(endpoint, identity))
        );
        var app = builder.Build();
        new WorkerApi(processes, identity, "test", clock).Map(app);
        await app.StartAsync(CancellationToken.None);
        var port = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        ).Port;
        (worker.App, worker.Processes) = (app, processes);
        Registry.Hosts =
        [
            .. Registry.Hosts.Where(host => host.Name != name),
            new JoinedHost { Name = name, Address = $"https://127.0.0.1:{port}/" },
        ];
    }

    /// <summary>Ends the worker of a host. Its runtimes go on.</summary>
    public async Task StopAsync(string name)
    {
        var worker = _workers[name];
        if (worker.App is { } app)
        {
            await app.DisposeAsync();
            worker.Processes!.Dispose();
            worker.App = null;
        }
    }

    /// <summary>The host's own process provider, to see what really runs there.</summary>
    public ProcessProvider Processes(string name) => _workers[name].Processes!;

    public static AllocationRequest Request(string key, string host, string preset, string cluster = "cluster-a") =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new ProviderId("worker"),
                $"{host}/cpu",
                host,
                "cpu",
                1,
                CapacityTier.Dedicated,
                false,
                default,
                1
            ),
            new RuntimeSpec
            {
                Preset = preset,
                Model = "/models/tiny.gguf",
                ServingName = "tiny",
            }
        );

    public async ValueTask DisposeAsync()
    {
        foreach (var (name, worker) in _workers)
        {
            if (worker.App is null)
            {
                await StartAsync(name);
            }

            foreach (var cluster in new[] { "cluster-a", "cluster-b" })
            {
                foreach (var left in await worker.Processes!.ListAllocationsAsync(cluster, CancellationToken.None))
                {
                    while (
                        await worker.Processes!.ReleaseAsync(left.Key, CancellationToken.None)
                        != ReleaseOutcome.Released
                    )
                    {
                        await Task.Yield();
                    }
                }
            }

            await StopAsync(name);
        }

        _folder.Delete(recursive: true);
    }

    private static ProcessProvider NewProcesses(RunningWorker worker)
    {
        var options = new ProcessOptions
        {
            Enabled = true,
            Region = worker.Name,
            StateDirectory = Path.Combine(worker.Folder, "process"),
            NvidiaSmi = Path.Combine(worker.Folder, "nvidia-smi"),
            AmdSmi = Path.Combine(worker.Folder, "amd-smi"),
            RocmSmi = Path.Combine(worker.Folder, "rocm-smi"),
            FirstPort = worker.FirstPort,
            LastPort = worker.FirstPort + 19,
            ProbeEvery = TimeSpan.FromMilliseconds(50),
            StopGrace = TimeSpan.FromSeconds(1),
            Cpu = { Enabled = true, Available = worker.Cpu },
        };
        FakeRuntimes.AddTo(options);
        return new ProcessProvider(
            options,
            new RuntimeOptions { ModelDirectories = ["/models"] },
            (_, _, _) => null,
            new ServiceCollection().AddHttpClient().BuildServiceProvider().GetRequiredService<IHttpClientFactory>(),
            TimeProvider.System,
            NullLogger<ProcessProvider>.Instance
        );
    }

    private sealed class RunningWorker(string name, string folder, int firstPort, int cpu)
    {
        public string Name => name;
        public string Folder => folder;
        public int FirstPort => firstPort;
        public int Cpu => cpu;
        public WebApplication? App { get; set; }
        public ProcessProvider? Processes { get; set; }
    }
}
