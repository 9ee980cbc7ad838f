using System.Diagnostics;

namespace Scheduler.Domain.Firewalls;

public static class JudgeFaults
{
    /// <summary>For example <c>TIMED_OUT</c>.</summary>
    public static string WireName(this JudgeFault fault) =>
        fault switch
        {
            JudgeFault.NotFound => "NOT_FOUND",
            JudgeFault.NotRunning => "NOT_RUNNING",
            JudgeFault.TimedOut => "TIMED_OUT",
            JudgeFault.Unreadable => "UNREADABLE",
            JudgeFault.Failing => "FAILING",
            JudgeFault.TooLong => "TOO_LONG",
            JudgeFault.Busy => "BUSY",
            JudgeFault.NoFirewall => "NO_FIREWALL",
            JudgeFault.NotText => "NOT_TEXT",
            _ => throw new UnreachableException(),
        };
}
