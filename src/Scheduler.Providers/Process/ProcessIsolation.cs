using System.Collections.Immutable;
using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Scheduler.Providers.Process;

/// <summary>
/// Starts a runtime without the scheduler's rights: no new privileges, limits, a private directory, and, if the scheduler is root, a user of
/// its own. Programs of the host do it (<c>setpriv</c>, <c>prlimit</c>, <c>systemd-run</c>): each sets its part and becomes the next one.
/// </summary>
internal sealed partial class ProcessIsolation
{
    /// <summary>Joins the cgroup <c>$0</c>, then becomes the command <c>$@</c>.</summary>
    private const string JoinCgroup = """echo $$ > "$0/cgroup.procs" && exec "$@" """;

    private const UnixFileMode Passable =
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherExecute;

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly ProcessOptions _options;
    private readonly ProcessStore _store;
    private readonly HostAbilities _host;

    internal ProcessIsolation(ProcessOptions options, ProcessStore store, HostAbilities host)
    {
        (_options, _store, _host) = (options, store, host);
        HasOwnUsers = options.Isolation.OwnUsers ?? host.IsRoot;
        if (HasOwnUsers)
        {
            MakeDirectory(options.Isolation.HomeDirectory, Passable);
        }
    }

    /// <summary>Whether each runtime has a user of its own, so that it cannot read what belongs to the scheduler.</summary>
    internal bool HasOwnUsers { get; }

    /// <summary>What limits the memory of a runtime, for people; null for nothing.</summary>
    internal string? MemoryLimit =>
        Settings.MaxMemoryBytes is not { } bytes
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{bytes} bytes by {(_host.HasSystemd ? "a systemd scope" : Settings.Cgroup is null ? "RLIMIT_DATA of each process" : "a cgroup")}"
            );

    private ProcessIsolationOptions Settings => _options.Isolation;

    /// <summary>The user of the runtime at a port.</summary>
    internal int UserOf(int port) => Settings.FirstUser + (port - _options.FirstPort);

    /// <summary>The private directory of a runtime.</summary>
    internal string HomeOf(string key) =>
        HasOwnUsers ? Path.Combine(Settings.HomeDirectory, key) : Path.Combine(_store.FolderOf(key), "home");

    /// <summary>Makes the private directory, and the cgroup if there is one.</summary>
    internal void Prepare(ProcessRecord record)
    {
        var home = HomeOf(record.Key);
        if (Directory.Exists(home))
        {
            Directory.Delete(home, recursive: true);
        }

        MakeDirectory(home, Private);
        if (HasOwnUsers)
        {
            var user = (uint)UserOf(record.Port);
            if (ChangeOwner(home, user, user) != 0)
            {
                throw new Win32Exception(Marshal.GetLastPInvokeError(), $"cannot give {home} to user {user}");
            }
        }

        if (CgroupOf(record.Key) is { } cgroup)
        {
            Directory.CreateDirectory(cgroup);
            File.WriteAllText(
                Path.Combine(cgroup, "memory.max"),
                Settings.MaxMemoryBytes?.ToString(CultureInfo.InvariantCulture) ?? "max"
            );
            File.WriteAllText(
                Path.Combine(cgroup, "pids.max"),
                Settings.MaxProcesses.ToString(CultureInfo.InvariantCulture)
            );
        }
    }

    /// <summary>Removes what <see cref="Prepare"/> made; all processes of the runtime must have exited.</summary>
    internal void Remove(string key)
    {
        if (Directory.Exists(HomeOf(key)))
        {
            Directory.Delete(HomeOf(key), recursive: true);
        }

        if (CgroupOf(key) is { } cgroup && Directory.Exists(cgroup))
        {
            // A cgroup is removed as an empty directory, although it lists files.
            Directory.Delete(cgroup);
        }
    }

    /// <summary>The command line that a runtime's own command line is appended to.</summary>
    internal ImmutableArray<string> CommandOf(ProcessRecord record)
    {
        var command = ImmutableArray.CreateBuilder<string>();
        if (_host.HasSystemd)
        {
            command.AddRange(Scope(record.Key));
        }
        else if (CgroupOf(record.Key) is { } cgroup)
        {
            command.AddRange("sh", "-c", JoinCgroup, cgroup);
        }

        command.AddRange(
            "prlimit",
            "--core=0:0",
            Limit("nofile", Math.Min(Settings.MaxOpenFiles, _host.OpenFiles)),
            Limit("nproc", Math.Min(Settings.MaxProcesses, _host.Processes))
        );
        if (Settings.MaxMemoryBytes is { } bytes && !_host.HasSystemd && Settings.Cgroup is null)
        {
            command.Add(Limit("data", bytes));
        }

        command.AddRange("--", "setpriv", "--no-new-privs");
        if (HasOwnUsers)
        {
            var user = UserOf(record.Port).ToString(CultureInfo.InvariantCulture);
            command.AddRange(
                $"--reuid={user}",
                $"--regid={user}",
                Settings.Groups.Count == 0 ? "--clear-groups" : $"--groups={string.Join(',', Settings.Groups)}",
                "--inh-caps=-all",
                "--bounding-set=-all"
            );
        }

        command.Add("--");
        return command.ToImmutable();
    }

    private IEnumerable<string> Scope(string key)
    {
        yield return "systemd-run";
        yield return "--scope";
        yield return "--quiet";
        yield return "--collect";
        yield return $"--unit=scheduler-runtime-{key}";
        yield return string.Create(CultureInfo.InvariantCulture, $"--property=TasksMax={Settings.MaxProcesses}");
        if (Settings.MaxMemoryBytes is { } bytes)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"--property=MemoryMax={bytes}");
        }

        if (Settings.LoopbackOnly)
        {
            yield return "--property=IPAddressDeny=any";
            yield return "--property=IPAddressAllow=localhost";
        }

        yield return "--";
    }

    private string? CgroupOf(string key) =>
        Settings.Cgroup is { } parent && !_host.HasSystemd ? Path.Combine(parent, $"scheduler-runtime-{key}") : null;

    private static void MakeDirectory(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException();
        }

        Directory.CreateDirectory(path, mode);
    }

    private static string Limit(string name, long most) =>
        string.Create(CultureInfo.InvariantCulture, $"--{name}={most}:{most}");

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
