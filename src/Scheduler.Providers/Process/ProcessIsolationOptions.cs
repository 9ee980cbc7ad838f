using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Process;

/// <summary>How far runtimes are kept from the host, from the scheduler and from each other; section <c>Providers:Process:Isolation</c>.</summary>
internal sealed class ProcessIsolationOptions
{
    private const long LeastMemory = 16L << 20;
    private const long MostMemory = 1L << 50;

    /// <summary>
    /// Whether each runtime runs as a user of its own. That needs root. Null: if the scheduler runs as root.
    /// </summary>
    public bool? OwnUsers { get; set; }

    /// <summary>
    /// Id of the user of the runtime at <see cref="ProcessOptions.FirstPort"/>; the next port has the next id. The ids need no names and
    /// must belong to no one else. The group has the same id.
    /// </summary>
    /// <value>Default 70,000: above the 16 bits of named users and below the ids of containers.</value>
    [Range(1_000, 2_000_000_000)]
    public int FirstUser { get; set; } = 70_000;

    /// <summary>Ids of groups that the users also have, for example the groups of the GPU devices or of a cache of weights.</summary>
    public IList<int> Groups { get; set; } = [];

    /// <summary>
    /// Directory of the private directories of runtimes with own users. Every user must be able to pass through it. Without own users the
    /// private directories are in the state directory.
    /// </summary>
    [Required(ErrorMessage = "an absolute path")]
    public string HomeDirectory { get; set; } = "/var/lib/scheduler-runtimes";

    /// <summary>Most open files of one process of a runtime; less if the scheduler's own limit is lower.</summary>
    [Range(64, 1_048_576)]
    public int MaxOpenFiles { get; set; } = 65_536;

    /// <summary>
    /// Most processes and threads of a runtime's user; less if the scheduler's own limit is lower. Without own users those of the scheduler
    /// count too.
    /// </summary>
    [Range(64, 4_194_304)]
    public int MaxProcesses { get; set; } = 32_768;

    /// <summary>
    /// Most memory of a runtime in bytes, without that of its GPUs; null for no limit. A systemd scope or <see cref="Cgroup"/> enforces it for
    /// all its processes together, otherwise the kernel enforces it for each process (<c>RLIMIT_DATA</c>).
    /// </summary>
    public long? MaxMemoryBytes { get; set; }

    /// <summary>
    /// Directory of a cgroup (version 2) that belongs to the scheduler and has the controllers <c>memory</c> and <c>pids</c>; each runtime gets
    /// a group below it. Null for none.
    /// </summary>
    public string? Cgroup { get; set; }

    /// <summary>Whether runtimes reach addresses of this host only. That needs root and systemd.</summary>
    public bool LoopbackOnly { get; set; }

    /// <summary>What cannot work on this host.</summary>
    internal IEnumerable<SettingFault> Faults(string section, int ports, HostAbilities host)
    {
        if (OwnUsers == true && !host.IsRoot)
        {
            yield return new SettingFault(
                $"{section}:{nameof(OwnUsers)}",
                true,
                "false, since the scheduler is not root"
            );
        }

        if ((OwnUsers ?? host.IsRoot) && !host.HasUsers(FirstUser, ports))
        {
            yield return new SettingFault(
                $"{section}:{nameof(FirstUser)}",
                FirstUser,
                "ids of users that this user namespace has (/proc/self/uid_map)"
            );
        }

        if (host.Missing is { } program)
        {
            yield return new SettingFault(section, program, $"a host with the program {program} (util-linux)");
        }

        if (!Path.IsPathRooted(HomeDirectory))
        {
            yield return new SettingFault($"{section}:{nameof(HomeDirectory)}", HomeDirectory, "an absolute path");
        }

        if (MaxMemoryBytes is < LeastMemory or > MostMemory)
        {
            yield return new SettingFault(
                $"{section}:{nameof(MaxMemoryBytes)}",
                MaxMemoryBytes,
                $"{LeastMemory} to {MostMemory}, or nothing"
            );
        }

        if (Cgroup is not null && !HostAbilities.HasControllers(Cgroup))
        {
            yield return new SettingFault(
                $"{section}:{nameof(Cgroup)}",
                Cgroup,
                "the directory of a cgroup of version 2 with the controllers memory and pids for its children"
            );
        }

        if (LoopbackOnly && !host.HasSystemd)
        {
            yield return new SettingFault(
                $"{section}:{nameof(LoopbackOnly)}",
                true,
                "false on a host without systemd, or if the scheduler is not root"
            );
        }
    }
}
