using System.Collections.Concurrent;
using Npgsql;
using Scheduler.TestKit;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Three silos on their own PostgreSQL, each behind its own network proxy, under a supervisor that restarts processes
/// that exit. This class offers the faults; a test draws their kind and time from its seed.
/// </summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    public const int Silos = 3;

    private const int Dead = 6;

    private readonly PostgreSqlServer _server;
    private readonly CuttableProxy[] _networks;
    private readonly SemaphoreSlim[] _supervised = [.. Enumerable.Range(0, Silos).Select(_ => new SemaphoreSlim(1, 1))];
    private readonly CancellationTokenSource _ends = new();
    private readonly ConcurrentDictionary<string, int> _done = new(StringComparer.Ordinal);
    private Task _supervisors = Task.CompletedTask;

    private ChaosCluster(PostgreSqlServer server, string database, string[] settings)
    {
        _server = server;
        Database = database;
        Cluster = new SchedulerCluster(database, settings);
        _networks = [.. Enumerable.Range(0, Silos).Select(_ => new CuttableProxy(server.Port))];
        foreach (var network in _networks)
        {
            var through = new NpgsqlConnectionStringBuilder(database) { Port = network.Port };
            Cluster.Add($"--Storage:PostgreSql:ConnectionString={through.ConnectionString}");
        }
    }

    public SchedulerCluster Cluster { get; }

    /// <summary>The database itself, not through a proxy that a test cuts.</summary>
    public string Database { get; }

    /// <summary>The injected faults with their counts.</summary>
    public string Done =>
        string.Join(", ", _done.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Value} {d.Key}"));

    public static async Task<ChaosCluster> StartAsync(string[] settings, CancellationToken cancellation)
    {
        var server = await PostgreSqlServer.StartAsync(cancellationToken: cancellation);
        var chaos = new ChaosCluster(server, await server.CreateDatabaseAsync(cancellation), settings);
        await chaos.Cluster.StartAllAsync(cancellation);
        chaos._supervisors = Task.WhenAll(Enumerable.Range(0, Silos).Select(chaos.SuperviseAsync));
        return chaos;
    }

    /// <summary><c>kill -9</c>; the supervisor restarts it after <paramref name="down"/>.</summary>
    public async Task KillAsync(int silo, TimeSpan down, CancellationToken cancellation)
    {
        await _supervised[silo].WaitAsync(cancellation);
        try
        {
            await Cluster.Nodes[silo].KillAsync();
            Note("kills");
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
        await _server.CrashAsync(cancellation);
        Note("crashes of the database");
        await Task.Delay(down, TimeProvider.System, cancellation);
        await _server.StartAgainAsync(cancellation);
    }

    /// <summary>Cuts one silo off the database for a time.</summary>
    public async Task CutAsync(int silo, ProxyState how, TimeSpan length, CancellationToken cancellation)
    {
        var process = Cluster.Nodes[silo].Id;
        _networks[silo].Become(how);
        Note($"cuts ({how})");
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
        Probe.UntilAsync(Cluster.Nodes, "silo", says => says == $"Active, among {Silos} active");

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

        await _server.DisposeAsync();
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
        await using var source = NpgsqlDataSource.Create(Database);
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var read = new List<string>();
        while (await rows.ReadAsync(cancellation))
        {
            read.Add(rows.GetString(0));
        }

        return read;
    }

    private void Note(string what) => _done.AddOrUpdate(what, 1, (_, times) => times + 1);
}
