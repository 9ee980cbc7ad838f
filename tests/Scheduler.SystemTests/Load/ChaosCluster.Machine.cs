using System.Globalization;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>Faults of the machine: frozen processes, a full disk, clocks that are set.</summary>
internal sealed partial class ChaosCluster
{
    /// <summary>
    /// Room for the store of a long run. The disk is in memory and uses only what it holds.
    /// </summary>
    private const int DiskMebibytes = 4096;

    private readonly Surroundings _around;

    /// <summary>
    /// As <see cref="StartAsync"/>, with the store on its own disk and a settable clock for each silo. Needs root.
    /// </summary>
    /// <param name="onPostgreSql">Three silos on PostgreSQL; otherwise one on SQLite.</param>
    public static async Task<ChaosCluster> StartOnOwnMachineAsync(
        bool onPostgreSql,
        string[] settings,
        CancellationToken cancellation
    )
    {
        var disk = await SmallDisk.TryMountAsync(DiskMebibytes, cancellation);
        Assert.SkipWhen(disk is null, "A small file system can be mounted by root alone.");
        var around = new Surroundings(disk, await ClocksAsync(onPostgreSql ? Silos : 1, cancellation));
        if (!onPostgreSql)
        {
            var folder = Directory.CreateDirectory(Path.Combine(disk.Folder, "scheduler")).FullName;
            return await new ChaosCluster(around, folder, settings).StartedAsync(cancellation);
        }

        var server = await PostgreSqlServer.StartAsync(
            settings: ["max_wal_size=256MB"],
            parent: disk.Folder,
            cancellationToken: cancellation
        );
        var database = await server.CreateDatabaseAsync(cancellation);
        return await new ChaosCluster(server, database, around, settings).StartedAsync(cancellation);
    }

    /// <summary>Stops a silo where it is, for a time; the others may declare it dead meanwhile.</summary>
    public async Task FreezeAsync(int silo, TimeSpan length, CancellationToken cancellation)
    {
        await _supervised[silo].WaitAsync(cancellation);
        try
        {
            var node = Cluster.Nodes[silo];
            await node.FreezeAsync(cancellation);
            Happened("freezes");
            await Task.Delay(length, TimeProvider.System, cancellation);
            await node.ThawAsync(cancellation);
        }
        finally
        {
            _supervised[silo].Release();
        }
    }

    /// <summary>Leaves the store no room for a time.</summary>
    public async Task FillDiskAsync(TimeSpan length, CancellationToken cancellation)
    {
        await _around.Disk!.FillAsync(cancellation);
        Happened("full disks");
        await Task.Delay(length, TimeProvider.System, cancellation);
        await _around.Disk.ClearAsync(cancellation);
        await (_server?.HealedAsync(cancellation) ?? Task.CompletedTask);
    }

    /// <summary>Sets the wall clock of one silo's machine, or of all.</summary>
    /// <param name="silo">Null for all.</param>
    /// <param name="offset">Distance from the true time.</param>
    public async Task SetClockAsync(int? silo, TimeSpan offset, CancellationToken cancellation)
    {
        foreach (var clock in silo is { } one ? _around.Clocks.Skip(one).Take(1) : _around.Clocks)
        {
            await clock.SetAsync(offset, cancellation);
        }

        Happened("clock steps");
    }

    /// <summary>Sets all clocks to the true time.</summary>
    public async Task CorrectClocksAsync(CancellationToken cancellation)
    {
        foreach (var clock in _around.Clocks)
        {
            await clock.SetAsync(TimeSpan.Zero, cancellation);
        }
    }

    private static async Task<SetClock[]> ClocksAsync(int count, CancellationToken cancellation)
    {
        var clocks = new SetClock[count];
        for (var i = 0; i < count; i++)
        {
            clocks[i] = await SetClock.CreateAsync(cancellation);
        }

        return clocks;
    }

    /// <summary>What a test can break beside the processes.</summary>
    /// <param name="Disk">Holds the store; null if it cannot become full.</param>
    /// <param name="Clocks">One per silo; empty if they cannot be set.</param>
    private sealed record Surroundings(SmallDisk? Disk, SetClock[] Clocks) : IAsyncDisposable
    {
        private readonly Lazy<string> _folder = new(() => Directory.CreateTempSubdirectory("chaos-").FullName);

        public static Surroundings None => new(null, []);

        /// <summary>A folder on another disk than the store's.</summary>
        public string Folder => _folder.Value;

        public IReadOnlyDictionary<string, string> EnvironmentOf(int silo) =>
            Clocks.Length == 0 ? new Dictionary<string, string>() : Clocks[silo].Environment;

        public async ValueTask DisposeAsync()
        {
            if (Disk is not null)
            {
                await Disk.DisposeAsync();
            }

            foreach (var clock in Clocks)
            {
                clock.Dispose();
            }

            if (_folder.IsValueCreated)
            {
                Directory.Delete(Folder, recursive: true);
            }
        }
    }

    /// <summary>The wall clock of one process, which follows a file.</summary>
    private sealed class SetClock : IDisposable
    {
        private readonly string _folder;
        private readonly string _file;

        private SetClock(string folder, string file, IReadOnlyDictionary<string, string> environment)
        {
            _folder = folder;
            _file = file;
            Environment = environment;
        }

        public IReadOnlyDictionary<string, string> Environment { get; }

        public static async Task<SetClock> CreateAsync(CancellationToken cancellation)
        {
            var folder = Directory.CreateTempSubdirectory("clock-").FullName;
            var file = Path.Combine(folder, "offset");
            var environment = new Dictionary<string, string>(await PastClock.SetByAsync(file, cancellation));
            // The file is read once a second and not at each look at the clock, which would slow the load down.
            environment.Remove("FAKETIME_NO_CACHE");
            environment["FAKETIME_CACHE_DURATION"] = "1";
            var clock = new SetClock(folder, file, environment);
            await clock.SetAsync(TimeSpan.Zero, cancellation);
            return clock;
        }

        /// <summary>The file is replaced at once: an empty one would be the true time for a moment.</summary>
        public async Task SetAsync(TimeSpan offset, CancellationToken cancellation)
        {
            var next = _file + ".new";
            var text = string.Create(CultureInfo.InvariantCulture, $"{(long)offset.TotalSeconds:+0;-0;+0}");
            await File.WriteAllTextAsync(next, text, cancellation);
            File.Move(next, _file, overwrite: true);
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
