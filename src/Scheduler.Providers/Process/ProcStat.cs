using System.Globalization;

namespace Scheduler.Providers.Process;

/// <summary>Only id and start time together identify a process, because the kernel reuses ids.</summary>
/// <param name="State">The kernel's state letter; <c>Z</c> and <c>X</c> mean that the process has exited.</param>
/// <param name="StartTicks">Start time in clock ticks since boot.</param>
internal readonly record struct ProcStat(int Id, char State, int Group, int Session, long StartTicks)
{
    internal bool IsAlive => State is not ('Z' or 'X');

    internal bool IsSameProcess(ProcStat other) => Id == other.Id && StartTicks == other.StartTicks;

    /// <summary>Parses <c>/proc/{pid}/stat</c>. The name in brackets may itself contain brackets and spaces.</summary>
    internal static ProcStat? Parse(string line)
    {
        var open = line.IndexOf(" (", StringComparison.Ordinal);
        var close = line.LastIndexOf(')');
        if (open < 1 || close < open)
        {
            return null;
        }

        // Fields after the name: state, ppid, pgrp, session, and so on. The start time is field 22 of the line, so
        // index 19 here.
        var fields = line[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return
            fields.Length > 19
            && int.TryParse(line[..open], CultureInfo.InvariantCulture, out var id)
            && int.TryParse(fields[2], CultureInfo.InvariantCulture, out var group)
            && int.TryParse(fields[3], CultureInfo.InvariantCulture, out var session)
            && long.TryParse(fields[19], CultureInfo.InvariantCulture, out var start)
            ? new ProcStat(id, fields[0][0], group, session, start)
            : null;
    }
}
