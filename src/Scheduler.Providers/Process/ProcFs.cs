using System.Globalization;

namespace Scheduler.Providers.Process;

internal static class ProcFs
{
    internal static string BootId() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    internal static ProcStat? Stat(int processId) =>
        Read($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/stat") is { } line
            ? ProcStat.Parse(line)
            : null;

    internal static IEnumerable<ProcStat> All()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var id)
                && Stat(id) is { } stat
            )
            {
                yield return stat;
            }
        }
    }

    /// <summary>The variables that a process was started with; empty for a process of another user.</summary>
    internal static Dictionary<string, string> Environment(int processId)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        var text = Read($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/environ") ?? "";
        foreach (var variable in text.Split('\0'))
        {
            var equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                variables.TryAdd(variable[..equals], variable[(equals + 1)..]);
            }
        }

        return variables;
    }

    /// <summary>Null if the process has exited or the file is not readable.</summary>
    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
