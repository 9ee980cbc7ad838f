using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Scheduler.TestKit;

/// <summary>
/// A PostgreSQL server in a temporary directory, on a free loopback port. Debian's package is installed if missing. The
/// server ends with this process, however that ends.
/// </summary>
public sealed class PostgreSqlServer : IAsyncDisposable
{
    private const string Binaries = "/usr/lib/postgresql";
    private const string Owner = "postgres";

    private static readonly SemaphoreSlim SharedGate = new(1, 1);
    private static PostgreSqlServer? _shared;
    private static int _lastDatabase;

    private readonly string _directory;
    private readonly string _binaries;
    private readonly string _options;
    private readonly Process _watchdog;

    private PostgreSqlServer(string directory, string binaries, int port, string options, Process watchdog)
    {
        _directory = directory;
        _binaries = binaries;
        _options = options;
        _watchdog = watchdog;
        Port = port;
    }

    /// <summary>Port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>One server for all tests of this process that do not stop or break it.</summary>
    public static async Task<PostgreSqlServer> SharedAsync(CancellationToken cancellationToken = default)
    {
        await SharedGate.WaitAsync(cancellationToken);
        try
        {
            return _shared ??= await StartAsync(cancellationToken: cancellationToken);
        }
        finally
        {
            SharedGate.Release();
        }
    }

    /// <summary>Starts a server.</summary>
    /// <param name="durable">
    /// Whether a commit waits for the disk. Off by default: a test kills processes, not the machine. Measurements need
    /// it on.
    /// </param>
    /// <param name="settings">Further settings, for example <c>max_connections=300</c>.</param>
    /// <param name="parent">The folder that holds its directory; null for that of temporary files.</param>
    public static async Task<PostgreSqlServer> StartAsync(
        bool durable = false,
        IEnumerable<string>? settings = null,
        string? parent = null,
        CancellationToken cancellationToken = default
    )
    {
        var binaries = await InstalledAsync(cancellationToken);
        var directory = parent is null
            ? Directory.CreateTempSubdirectory("scheduler-pg-").FullName
            : Directory.CreateDirectory(Path.Combine(parent, "scheduler-pg")).FullName;
        if (Environment.IsPrivilegedProcess)
        {
            await QuietProgram.RunAsync(new ProcessStartInfo("chown", [Owner, directory]), cancellationToken);
        }

        await RunAsOwnerAsync(
            [
                Path.Combine(binaries, "initdb"),
                "--pgdata",
                Data(directory),
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                .. durable ? Array.Empty<string>() : ["--no-sync"],
            ],
            cancellationToken
        );
        var port = FreePort();
        string[] all =
        [
            "listen_addresses=127.0.0.1",
            $"port={port.ToString(CultureInfo.InvariantCulture)}",
            $"unix_socket_directories={directory}",
            "max_connections=200",
            "shared_buffers=256MB",
            $"fsync={(durable ? "on" : "off")}",
            .. settings ?? [],
        ];
        var watchdog = Watch(directory, binaries);
        var server = new PostgreSqlServer(
            directory,
            binaries,
            port,
            string.Join(' ', all.Select(setting => $"-c {setting}")),
            watchdog
        );
        await server.StartAgainAsync(cancellationToken);
        return server;
    }

    /// <summary>Creates an empty database.</summary>
    /// <returns>Its connection string, as the server's superuser.</returns>
    public async Task<string> CreateDatabaseAsync(CancellationToken cancellationToken = default)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref _lastDatabase)}");
        await ExecuteAsync(ConnectionString("postgres"), $"CREATE DATABASE {name}", cancellationToken);
        return ConnectionString(name);
    }

    public string ConnectionString(string database) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Database = database,
            Username = "postgres",
        }.ConnectionString;

    public static async Task ExecuteAsync(
        string connectionString,
        string sql,
        CancellationToken cancellationToken = default
    )
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// A program that comes with the server, for example <c>pg_dump</c>; the server must have been started once.
    /// </summary>
    public static string Program(string name) =>
        Path.Combine(Newest() ?? throw new InvalidOperationException("PostgreSQL is not installed."), name);

    /// <summary>
    /// Crashes the server: all its processes end at once, without a checkpoint; the next start recovers from the log.
    /// </summary>
    public Task CrashAsync(CancellationToken cancellationToken = default) => StopAsync("immediate", cancellationToken);

    /// <summary>Starts it again on the same port and data.</summary>
    public Task StartAgainAsync(CancellationToken cancellationToken = default) =>
        RunAsOwnerAsync(
            [
                Path.Combine(_binaries, "pg_ctl"),
                "--pgdata",
                Data(_directory),
                "--log",
                Path.Combine(_directory, "log"),
                "--options",
                _options,
                "--wait",
                "start",
            ],
            cancellationToken
        );

    /// <summary>
    /// Waits until the server answers, and starts it again if it ended: a full disk can end it at any moment.
    /// </summary>
    /// <exception cref="TimeoutException">It does not answer within a minute.</exception>
    public async Task HealedAsync(CancellationToken cancellationToken = default)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await ExecuteAsync(ConnectionString("postgres"), "SELECT pg_current_xact_id()", cancellationToken);
                return;
            }
            catch (NpgsqlException exception)
            {
                if (TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMinutes(1))
                {
                    throw new TimeoutException($"The server on port {Port} does not answer.", exception);
                }
            }

            try
            {
                await StartAgainAsync(cancellationToken);
            }
            catch (InvalidOperationException)
            {
                // It runs already, recovers, or still ends.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // When its input ends, the watchdog stops the server and removes the directory.
        _watchdog.StandardInput.Close();
        await _watchdog.WaitForExitAsync();
        _watchdog.Dispose();
    }

    private Task StopAsync(string mode, CancellationToken cancellationToken) =>
        RunAsOwnerAsync(
            [Path.Combine(_binaries, "pg_ctl"), "--pgdata", Data(_directory), "--mode", mode, "--wait", "stop"],
            cancellationToken
        );

    private static string Data(string directory) => Path.Combine(directory, "data");

    /// <summary>Folder of the newest installed server's programs; installs Debian's package if there is none.</summary>
    private static async Task<string> InstalledAsync(CancellationToken cancellationToken)
    {
        if (Newest() is { } found)
        {
            return found;
        }

        DebianPackage.RequireRoot("postgresql");
        // Otherwise the package would create and start its own server.
        Directory.CreateDirectory("/etc/postgresql-common");
        await File.WriteAllTextAsync(
            "/etc/postgresql-common/createcluster.conf",
            "create_main_cluster = false\n",
            cancellationToken
        );
        await DebianPackage.InstallAsync("postgresql", cancellationToken);
        return Newest() ?? throw new InvalidOperationException($"No server was installed in {Binaries}.");
    }

    private static string? Newest() =>
        Directory.Exists(Binaries)
            ? Directory
                .EnumerateDirectories(Binaries)
                .Select(version => Path.Combine(version, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "postgres")))
                .OrderByDescending(bin =>
                    int.TryParse(bin.Split('/')[^2], CultureInfo.InvariantCulture, out var v) ? v : 0
                )
                .FirstOrDefault()
            : null;

    /// <summary>Starts a watchdog whose input ends with this process; it then removes everything.</summary>
    private static Process Watch(string directory, string binaries)
    {
        var start = AsOwner([
            "sh",
            "-c",
            "cat > /dev/null; \"$1/pg_ctl\" --pgdata \"$2/data\" --mode immediate stop > /dev/null 2>&1; rm -rf \"$2\"",
            "sh",
            binaries,
            directory,
        ]);
        start.RedirectStandardInput = true;
        return Process.Start(start) ?? throw new InvalidOperationException("No watchdog was started.");
    }

    private static Task RunAsOwnerAsync(string[] command, CancellationToken cancellationToken) =>
        QuietProgram.RunAsync(AsOwner(command), cancellationToken);

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private static ProcessStartInfo AsOwner(string[] command) =>
        Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("runuser", ["-u", Owner, "--", .. command]) { WorkingDirectory = "/" }
            : new ProcessStartInfo(command[0], command[1..]);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
