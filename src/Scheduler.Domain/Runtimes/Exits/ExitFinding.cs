using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>What the evidence about the end of a runtime shows.</summary>
/// <param name="Line">The line of output that names the cause, cleaned; null when no line does.</param>
public sealed record ExitFinding(ExitCause Cause, string? Line)
{
    public FailureCode Code => ExitRule.CodeOf(Cause);

    /// <summary>Whether llama.cpp lacked main memory: it keeps the cache of layers that no GPU holds there.</summary>
    public bool IsHostCache =>
        Cause == ExitCause.HostMemory && Line is not null && LlamaExits.Rules.Any(rule => rule.Matches(Line));
}
