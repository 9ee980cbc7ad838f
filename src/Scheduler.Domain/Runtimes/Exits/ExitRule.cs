using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>One line of output, or one reason of a provider, that names a cause.</summary>
/// <param name="Sign">Text in the line, in any case.</param>
/// <param name="Source">File or report in which the text is found.</param>
/// <param name="And">Further text that the same line must contain; null when <paramref name="Sign"/> suffices.</param>
internal sealed record ExitRule(ExitCause Cause, string Sign, string Source, string? And = null)
{
    public bool Matches(ReadOnlySpan<char> line)
    {
        var at = line.IndexOf(Sign, StringComparison.OrdinalIgnoreCase);
        return at >= 0
            && (And is null || line.Contains(And, StringComparison.OrdinalIgnoreCase))
            && !IsAdvice(line[..at]);
    }

    /// <summary>Advice and request logs quote causes that did not happen: "if you see …", "prompt: '…'".</summary>
    private static bool IsAdvice(ReadOnlySpan<char> before) =>
        before.Contains("if you ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("in case of ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("to avoid ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("to prevent ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("may cause ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("could lead to ", StringComparison.OrdinalIgnoreCase)
        || before.Contains("potential root causes", StringComparison.OrdinalIgnoreCase)
        || before.Contains("prompt", StringComparison.OrdinalIgnoreCase)
        || before.Contains("\"content\"", StringComparison.OrdinalIgnoreCase)
        || before.Contains("\"messages\"", StringComparison.OrdinalIgnoreCase);

    public static FailureCode CodeOf(ExitCause cause) =>
        cause is >= ExitCause.GpuMemory and <= ExitCause.HostMemory ? FailureCode.OomKilled
        : cause is >= ExitCause.ImageRights and <= ExitCause.ImageOther ? FailureCode.ImagePullFailed
        : cause is >= ExitCause.ModelMissing and <= ExitCause.ModelOther ? FailureCode.ModelLoadError
        : FailureCode.RuntimeExited;
}
