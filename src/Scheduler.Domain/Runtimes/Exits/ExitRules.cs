using System.Buffers;
using System.Collections.Immutable;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes.Exits;

/// <summary>All rules for lines of output, and the lines that show that a runtime went on after an error.</summary>
internal static class ExitRules
{
    /// <summary>
    /// The first match counts: memory before the rest, precise causes before vague ones, an engine's words before those
    /// of a driver or a hub.
    /// </summary>
    public static readonly ImmutableArray<ExitRule> Output =
    [
        .. (
            (ImmutableArray<ExitRule>)
                [
                    .. VllmExits.Rules,
                    .. SglangExits.Rules,
                    .. TgiExits.Rules,
                    .. TensorRtExits.Rules,
                    .. DriverExits.Rules,
                    .. HostExits.Rules,
                    .. ImageExits.Rules,
                    .. HubExits.Rules,
                    .. LlamaExits.Rules,
                ]
        ).OrderBy(rule => Rank(rule.Cause)),
    ];

    /// <summary>One search for all signs; most lines of an output hold none.</summary>
    private static readonly SearchValues<string> AnySign = SearchValues.Create(
        [.. Output.Select(rule => rule.Sign)],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Lines of a runtime that serves, or tries again: an earlier error did not end it.</summary>
    private static readonly ImmutableArray<string> Alive =
    [
        "retrying without",
        "server is listening",
        "listening on http",
        "all slots are idle",
        "launch_slot_",
        "update_slots:",
        "slot release",
        "llama runner started",
        "Application startup complete",
        "Uvicorn running on",
        "Avg prompt throughput",
        "The server is fired up and ready to roll",
        "Decode batch",
        "Prefill batch",
        "router::server: Connected",
        "\" 200 OK",
        "\" 200 -",
    ];

    /// <summary>Lines of an engine that is about to end; a front-end may still answer after them.</summary>
    private static readonly ImmutableArray<string> Ending =
    [
        "EngineDeadError",
        "EngineCore encountered",
        "EngineCore failed",
        "Engine core",
        "Engine loop has died",
        "Received sigquit",
        "exiting due to",
        "core dumped",
        "Shard terminated",
    ];

    private static int Rank(ExitCause cause) =>
        ExitRule.CodeOf(cause) == FailureCode.OomKilled ? 0
        : cause is ExitCause.ImageOther or ExitCause.ModelOther ? 2
        : 1;

    public static bool IsAlive(ReadOnlySpan<char> line) => ContainsAny(line, Alive);

    public static bool IsEnding(ReadOnlySpan<char> line) => ContainsAny(line, Ending);

    public static ExitRule? Find(ReadOnlySpan<char> line)
    {
        if (!line.ContainsAny(AnySign))
        {
            return null;
        }

        foreach (var rule in Output)
        {
            if (rule.Matches(line))
            {
                return rule;
            }
        }

        return null;
    }

    private static bool ContainsAny(ReadOnlySpan<char> line, ImmutableArray<string> signs)
    {
        foreach (var sign in signs)
        {
            if (line.Contains(sign, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
