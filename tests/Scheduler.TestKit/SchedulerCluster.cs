using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Scheduler.TestKit;

/// <summary>
/// Several scheduler processes on one database, as on one host: one directory, one cloud journal, a fixed set of ports each, so that a node
/// that was killed comes back in its own place. A node is killed, stopped and started by itself.
/// </summary>
public sealed class SchedulerCluster : IAsyncDisposable
{
    /// <summary>Below the range from which the system takes ports for connections: nobody takes them while their node is down.</summary>
    private const int FirstPort = 12_000;
    private const int LastPort = 29_000;

    private readonly List<SchedulerProcess> _nodes = [];
    private readonly List<(int Silo, int Gateway)> _ports = [];
    private readonly HashSet<int> _taken = [];
    private readonly string[] _settings;

    /// <summary>Without nodes yet.</summary>
    /// <param name="connectionString">The database they share.</param>
    /// <param name="settings">Settings of every node, as arguments.</param>
    public SchedulerCluster(string connectionString, params string[] settings)
    {
        _settings =
        [
            $"--Storage:PostgreSql:ConnectionString={connectionString}",
            $"--Providers:Simulated:StatePath={Cloud}",
            .. settings,
        ];
    }

    /// <summary>Working directory of all nodes.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("scheduler-cluster-").FullName;

    /// <summary>The journal of the simulated cloud, which outlives all nodes.</summary>
    public string Cloud => Path.Combine(Folder, "data", "cloud.journal");

    /// <summary>Who issued the certificate of the doors; null where they speak no TLS.</summary>
    public TestAuthority? Authority { get; init; }

    /// <summary>All nodes, in the order in which they were added.</summary>
    public IReadOnlyList<SchedulerProcess> Nodes => _nodes;

    /// <summary>Calls that go to any node with doors, and on to the next one where one is unavailable.</summary>
    /// <param name="patience">How long a call goes round before it fails finally.</param>
    public FailoverCalls Calls(TimeSpan patience) => new(_nodes, patience);

    /// <summary>Where a node's silo listens for other silos.</summary>
    public int SiloPort(int node) => _ports[node].Silo;

    /// <summary>Where a node's silo listens for doors.</summary>
    public int GatewayPort(int node) => _ports[node].Gateway;

    /// <summary>Adds a node, not started.</summary>
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
            Authority = Authority,
        };
        _nodes.Add(node);
        _ports.Add((ports[0], ports[1]));
        return node;
    }

    /// <summary>Adds so many nodes that are silo and doors both, and starts all of them at once.</summary>
    public async Task StartAsync(int nodes, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < nodes; i++)
        {
            Add();
        }

        await StartAllAsync(cancellationToken);
    }

    /// <summary>Starts every node that does not run, all at once.</summary>
    public Task StartAllAsync(CancellationToken cancellationToken = default) =>
        Task.WhenAll(_nodes.Where(node => !node.IsRunning).Select(node => node.StartAsync(cancellationToken)));

    /// <summary><c>kill -9</c> to every node that runs.</summary>
    public Task KillAllAsync() => Task.WhenAll(_nodes.Where(node => node.IsRunning).Select(node => node.KillAsync()));

    /// <summary>The last lines of every node, for messages of failed tests.</summary>
    public string Output => string.Join("\n\n", _nodes.Select((node, i) => $"--- node {i}\n{node.Output}"));

    /// <inheritdoc/>
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
