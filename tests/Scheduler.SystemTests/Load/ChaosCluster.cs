using System.Collections.Concurrent;
using Npgsql;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Three silos on their own PostgreSQL, each behind its own network proxy, or one silo on SQLite, under a supervisor that
/// restarts processes that exit. This class offers the faults; a test draws their kind and time from its seed.
/// </summary>
internal sealed partial class ChaosCluster : IAsyncDisposable
{
    public const int Silos = 3;

    private const int Dead = 6;

    private readonly PostgreSqlServer? _server;
    private readonly string _database = "";
    private readonly CuttableProxy[] _networks = [];
    private readonly SemaphoreSlim[] _supervised;
    private readonly CancellationTokenSource _ends = new();
    private readonly ConcurrentDictionary<string, int> _done = new(StringComparer.Ordinal);
    private Task _supervisors = Task.CompletedTask;
    private int _events;

    private ChaosCluster(PostgreSqlServer server, string database, Surroundings around, string[] settings)
    {
        _server = server;
        _around = around;
        _database = database;
        Cluster = new SchedulerCluster(database, settings) { EnvironmentOf = around.EnvironmentOf };
        _networks = [.. Enumerable.Range(0, Silos).Select(_ => new CuttableProxy(server.Port))];
        foreach (var network in _networks)
        {
            var through = new NpgsqlConnectionStringBuilder(database) { Port = network.Port };
            if (around.Clocks.Length > 0)
            {
                // Under libfaketime a synchronous read with a time limit fails; the start makes some.
                (through.Timeout, through.CommandTimeout) = (0, 0);
            }

            Cluster.Add($"--Storage:PostgreSql:ConnectionString={through.ConnectionString}");
        }

        _supervised = [.. Cluster.Nodes.Select(_ => new SemaphoreSlim(1, 1))];
    }

    private ChaosCluster(Surroundings around, string folder, string[] settings)
    {
        _around = around;
        Cluster = SchedulerCluster.OnSqlite(folder, Path.Combine(around.Folder, "cloud.journal"), settings);
        Cluster.Add();
        _supervised = [new SemaphoreSlim(1, 1)];
    }

    public SchedulerCluster Cluster { get; }

    /// <summary>Whether the silos share a database; otherwise there is one silo.</summary>
    public bool HasDatabase => _server is not null;

    /// <summary>The injected faults with their counts.</summary>
    public string Done =>
        string.Join(", ", _done.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Value} {d.Key}"));

    /// <summary>Number of faults so far.</summary>
    public int Events => Volatile.Read(ref _events);

    /// <summary>Three silos on PostgreSQL.</summary>
    public static async Task<ChaosCluster> StartAsync(string[] settings, CancellationToken cancellation)
    {
        var server = await PostgreSqlServer.StartAsync(cancellationToken: cancellation);
        var database = await server.CreateDatabaseAsync(cancellation);
        return await new ChaosCluster(server, database, Surroundings.None, settings).StartedAsync(cancellation);
    }

    private async Task<ChaosCluster> StartedAsync(CancellationToken cancellation)
    {
        await Cluster.StartAllAsync(cancellation);
        _supervisors = Task.WhenAll(Enumerable.Range(0, Cluster.Nodes.Count).Select(SuperviseAsync));
        return this;
    }

    /// <summary><c>kill -9</c>; the supervisor restarts it after <paramref name="down"/>.</summary>
    public async Task KillAsync(int silo, TimeSpan down, CancellationToken cancellation)
    {
        await _supervised[silo].WaitAsync(cancellation);
        try
        {
            await Cluster.Nodes[silo].KillAsync();
            Happened("kills");
            await Task.Delay(down, TimeProvider.System, cancellation);
        }
        finally
        {
            _supervised[silo].Release();
        }
    }

    /// <summary>Crashes the database and restarts it after <paramref name="down"/>.</summary>
    public async Task CrashDatabaseAsync(TimeSpan down, CancellationToken cancellation)
    {
        await _server!.CrashAsync(cancellation);
        Happened("crashes of the database");
        await Task.Delay(down, TimeProvider.System, cancellation);
        await _server.StartAgainAsync(cancellation);
    }

    /// <summary>Cuts one silo off the database for a time.</summary>
    public async Task CutAsync(int silo, ProxyState how, TimeSpan length, CancellationToken cancellation)
    {
        var process = Cluster.Nodes[silo].Id;
        _networks[silo].Become(how);
        Happened($"cuts ({how})");
        try
        {
            await Task.Delay(length, TimeProvider.System, cancellation);
        }
        finally
        {
            _networks[silo].Become(ProxyState.Open);
        }

        Note(
            Cluster.Nodes[silo] is { IsRunning: true, Id: var now } && now == process
                ? "silos alive after a cut"
                : "silos ended during a cut"
        );
    }

    /// <summary>Waits until every silo is active among all others.</summary>
    public Task HealedAsync() =>
        Probe.UntilAsync(Cluster.Nodes, "silo", says => says == $"Active, among {Cluster.Nodes.Count} active");

    /// <summary>Waits until one silo is active among all others, whether or not it is ready.</summary>
    public async Task JoinedAsync(int silo)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await HasJoinedAsync(Cluster.Nodes[silo]))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < DisturbedLoads.Patience,
                $"It did not join; {Done}\n{Cluster.Nodes[silo].Output}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, _ends.Token);
        }
    }

    public async Task<int> DeclaredDeadAsync(CancellationToken cancellation) =>
        (await ReadAsync($"SELECT silo_name FROM membership WHERE status = {Dead}", cancellation)).Count;

    public Task<List<string>> AgendaAsync(CancellationToken cancellation) =>
        ReadAsync("SELECT id FROM agenda WHERE kind = 'instance'", cancellation);

    public async ValueTask DisposeAsync()
    {
        await StopSupervisingAsync();
        await Cluster.DisposeAsync();
        foreach (var network in _networks)
        {
            await network.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _around.DisposeAsync();
        _ends.Dispose();
    }

    /// <summary>A process that exits after this call is not restarted.</summary>
    public async Task StopSupervisingAsync()
    {
        await _ends.CancelAsync();
        await _supervisors;
    }

    private async Task SuperviseAsync(int silo)
    {
        var node = Cluster.Nodes[silo];
        while (!_ends.IsCancellationRequested)
        {
            await _supervised[silo].WaitAsync(CancellationToken.None);
            try
            {
                if (!node.IsRunning)
                {
                    await node.StartAsync(_ends.Token);
                    Note("restarts");
                }
            }
            catch (Exception exception) when (exception is InvalidOperationException or TimeoutException)
            {
                // The process could not start, for example because the database is down; the supervisor tries again.
                Note("failed restarts");
            }
            catch (OperationCanceledException) when (_ends.IsCancellationRequested)
            {
                return;
            }
            finally
            {
                _supervised[silo].Release();
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<List<string>> ReadAsync(string sql, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var read = new List<string>();
        while (await rows.ReadAsync(cancellation))
        {
            read.Add(rows.GetString(0));
        }

        return read;
    }

    private async Task<bool> HasJoinedAsync(SchedulerProcess node)
    {
        try
        {
            return (await Probe.CheckAsync(node, "silo")).Says == $"Active, among {Cluster.Nodes.Count} active";
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return false;
        }
    }

    private void Happened(string what)
    {
        Interlocked.Increment(ref _events);
        Note(what);
    }

    private void Note(string what) => _done.AddOrUpdate(what, 1, (_, times) => times + 1);
}
