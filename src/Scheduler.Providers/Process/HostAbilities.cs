using System.Globalization;

namespace Scheduler.Providers.Process;

/// <summary>What this host and the rights of the scheduler permit.</summary>
internal sealed record HostAbilities
{
    private static readonly string[] Controllers = ["memory", "pids"];

    private static readonly string[] Programs = ["setpriv", "prlimit"];

    public required bool IsRoot { get; init; }

    /// <summary>Whether systemd runs and accepts transient units of this process.</summary>
    public required bool HasSystemd { get; init; }

    /// <summary>A required program that this host lacks; null when it has all.</summary>
    public string? Missing { get; init; }

    /// <summary>The scheduler's own hard limit of open files and of processes.</summary>
    public long OpenFiles { get; init; } = long.MaxValue;

    public long Processes { get; init; } = long.MaxValue;

    /// <summary>Ranges of user ids in this namespace.</summary>
    public IReadOnlyList<(long First, long Count)> Users { get; init; } = [(0, uint.MaxValue)];

    /// <summary>Reads them from <c>/proc</c> and <c>PATH</c>.</summary>
    internal static HostAbilities Read()
    {
        var isRoot = Environment.IsPrivilegedProcess;
        if (!OperatingSystem.IsLinux())
        {
            return new HostAbilities { IsRoot = isRoot, HasSystemd = false };
        }

        return new HostAbilities
        {
            IsRoot = isRoot,
            HasSystemd = isRoot && Directory.Exists("/run/systemd/system") && ProcessClient.CanRun("systemd-run"),
            Missing = Programs.FirstOrDefault(program => !ProcessClient.CanRun(program)),
            OpenFiles = HardLimit("Max open files"),
            Processes = HardLimit("Max processes"),
            Users =
            [
                .. File.ReadLines("/proc/self/uid_map")
                    .Select(Words)
                    .Select(words => (Number(words[0]), Number(words[2]))),
            ],
        };
    }

    internal bool HasUsers(long first, long count) =>
        Users.Any(range => first >= range.First && first + count <= range.First + range.Count);

    internal static bool HasControllers(string cgroup)
    {
        var file = Path.Combine(cgroup, "cgroup.subtree_control");
        return File.Exists(file)
            && Controllers.All(controller =>
                Words(File.ReadAllText(file)).Contains(controller, StringComparer.Ordinal)
            );
    }

    /// <summary>The third last word is the hard limit: name, soft limit, hard limit, unit.</summary>
    private static long HardLimit(string name)
    {
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return Words(line[name.Length..])[1] is "unlimited" ? long.MaxValue : Number(Words(line[name.Length..])[1]);
    }

    private static string[] Words(string line) => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
