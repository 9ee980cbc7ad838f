using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Scheduler.TestKit;

/// <summary>
/// Several scheduler processes on one database, as on one host: one directory, one cloud journal, and fixed ports for
/// each node, so that a killed node returns at the same address. Each node can be killed, stopped and started
/// separately.
/// </summary>
public sealed class SchedulerCluster : IAsyncDisposable
{
    /// <summary>Below the range of ephemeral ports: no connection takes them while their node is down.</summary>
    private const int FirstPort = 12_000;
    private const int LastPort = 29_000;

    private readonly List<SchedulerProcess> _nodes = [];
    private readonly List<(int Silo, int Gateway)> _ports = [];
    private readonly HashSet<int> _taken = [];
    private readonly string[] _settings;

    /// <summary>The cluster has no nodes at first.</summary>
    /// <param name="connectionString">The database that they share.</param>
    /// <param name="settings">Settings of every node, as arguments.</param>
    public SchedulerCluster(string connectionString, params string[] settings)
        : this(
            Directory.CreateTempSubdirectory("scheduler-cluster-").FullName,
            Path.Combine("data", "cloud.journal"),
            [$"--Storage:PostgreSql:ConnectionString={connectionString}", .. settings]
        ) { }

    private SchedulerCluster(string folder, string cloud, string[] settings)
    {
        Folder = folder;
        Cloud = Path.Combine(folder, cloud);
        _settings = [$"--Providers:Simulated:StatePath={Cloud}", .. settings];
    }

    /// <summary>One node at most, with its SQLite file in <paramref name="folder"/>.</summary>
    /// <param name="folder">Working directory; removed on disposal.</param>
    /// <param name="cloud">The journal of the simulated cloud.</param>
    /// <param name="settings">Settings of the node, as arguments.</param>
    public static SchedulerCluster OnSqlite(string folder, string cloud, params string[] settings) =>
        new(folder, cloud, settings);

    /// <summary>Working directory of all nodes.</summary>
    public string Folder { get; }

    /// <summary>The journal of the simulated cloud, which is kept across restarts of all nodes.</summary>
    public string Cloud { get; }

    /// <summary>Environment variables of each node by its number; null for none.</summary>
    public Func<int, IReadOnlyDictionary<string, string>>? EnvironmentOf { get; init; }

    /// <summary>Issuer of the API's certificate; null without TLS.</summary>
    public TestAuthority? Authority { get; init; }

    /// <summary>All nodes, in the order in which they were added.</summary>
    public IReadOnlyList<SchedulerProcess> Nodes => _nodes;

    /// <summary>Calls to any node with an API, retried at the next one where a node is unavailable.</summary>
    /// <param name="patience">How long a call is retried before it fails.</param>
    public FailoverCalls Calls(TimeSpan patience) => new(_nodes, patience);

    /// <summary>Port of the node's silo for other silos.</summary>
    public int SiloPort(int node) => _ports[node].Silo;

    /// <summary>Port of the node's silo for API processes.</summary>
    public int GatewayPort(int node) => _ports[node].Gateway;

    /// <summary>Adds a node without starting it.</summary>
    /// <param name="settings">Its own settings, for example <c>--Host:Role=silo</c>.</param>
    public SchedulerProcess Add(params string[] settings)
    {
        var ports = FreePorts(4);
        var node = new SchedulerProcess(
            Folder,
            [
                $"--Host:SiloPort={ports[0]}",
                $"--Host:GatewayPort={ports[1]}",
                $"--Host:HttpPort={ports[2]}",
                $"--Host:GrpcPort={ports[3]}",
                .. _settings,
                .. settings,
            ]
        )
        {
            KeepsFolder = true,
            Environment = EnvironmentOf?.Invoke(_nodes.Count) ?? new Dictionary<string, string>(),
            Authority = Authority,
        };
        _nodes.Add(node);
        _ports.Add((ports[0], ports[1]));
        return node;
    }

    /// <summary>Adds nodes that are both silo and API, and starts all of them at once.</summary>
    public async Task StartAsync(int nodes, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < nodes; i++)
        {
            Add();
        }

        await StartAllAsync(cancellationToken);
    }

    public Task StartAllAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(_nodes.Where(node => !node.IsRunning).Select(node => node.StartAsync(cancellationToken)));

    /// <summary><c>kill -9</c> for every running node.</summary>
    public Task KillAllAsync() => Task.WhenAll(_nodes.Where(node => node.IsRunning).Select(node => node.KillAsync()));

    /// <summary>The last lines of every node, for messages of failed tests.</summary>
    public string Output => string.Join("\n\n", _nodes.Select((node, i) => $"--- node {i}\n{node.Output}"));

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        Directory.Delete(Folder, recursive: true);
    }

    private int[] FreePorts(int count)
    {
        var free = new List<int>();
        while (free.Count < count)
        {
            var port = RandomNumberGenerator.GetInt32(FirstPort, LastPort);
            if (!_taken.Contains(port) && IsFree(port))
            {
                _taken.Add(port);
                free.Add(port);
            }
        }

        return [.. free];
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
