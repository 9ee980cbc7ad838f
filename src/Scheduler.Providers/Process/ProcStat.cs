using System.Globalization;

namespace Scheduler.Providers.Process;

/// <summary>One process as the kernel shows it. Id and start time together name a process: ids are used again.</summary>
/// <param name="Id">Process id.</param>
/// <param name="State">The kernel's letter; <c>Z</c> and <c>X</c> are dead.</param>
/// <param name="Group">Process group.</param>
/// <param name="Session">Session.</param>
/// <param name="StartTicks">Start time in clock ticks since boot.</param>
internal readonly record struct ProcStat(int Id, char State, int Group, int Session, long StartTicks)
{
    internal bool IsAlive => State is not ('Z' or 'X');

    internal bool IsSameProcess(ProcStat other) => Id == other.Id && StartTicks == other.StartTicks;

    /// <summary>Reads a line of <c>/proc/{pid}/stat</c>; the name in brackets may itself hold brackets and spaces.</summary>
    internal static ProcStat? Parse(string line)
    {
        var open = line.IndexOf(" (", StringComparison.Ordinal);
        var close = line.LastIndexOf(')');
        if (open < 1 || close < open)
        {
            return null;
        }

        // After the name: state, ppid, pgrp, session, …; the start time is field 22 of the line, 19 after the state.
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
