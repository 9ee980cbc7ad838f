using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>What the evidence about the end of a runtime shows.</summary>
/// <param name="Line">The line of output that names the cause, cleaned; null when no line does.</param>
public sealed record ExitFinding(ExitCause Cause, string? Line)
{
    public FailureCode Code => ExitRule.CodeOf(Cause);
}
