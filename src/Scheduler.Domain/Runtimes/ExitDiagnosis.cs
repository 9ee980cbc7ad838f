using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes.Exits;

namespace Scheduler.Domain.Runtimes;

/// <summary>Diagnoses the end of a runtime: out of memory, image, model, or plain exit.</summary>
/// <remarks>
/// Evidence in order of weight: the runtime's own words about memory, the provider's reason, its other words. Memory is
/// checked before the model, because a runtime that runs out of memory during loading also reports a load error. The
/// first error counts: engines print pages of consequences after it. An error after which the runtime served is none.
/// </remarks>
public static class ExitDiagnosis
{
    /// <summary>
    /// 128 + SIGKILL. A liveness probe, a deadline and a person send it too, so alone it is no evidence of missing
    /// memory.
    /// </summary>
    private const int ExitCodeOfSigkill = 137;

    /// <param name="wasServing">
    /// Whether the runtime had been healthy before. Then neither image nor model can be the cause, whatever it printed
    /// about them during its start.
    /// </param>
    public static ExitFinding Find(RuntimeExit exit, bool wasServing)
    {
        var words = ReadOutput(exit.OutputTail);
        if (words.Memory is { } memory)
        {
            return memory;
        }

        var reason = ReadReason(exit.ProviderReason);
        if (reason?.Code == FailureCode.OomKilled)
        {
            return reason;
        }

        if (!wasServing && (words.Image ?? reason) is { Code: FailureCode.ImagePullFailed } image)
        {
            return image;
        }

        if (!wasServing && words.Model is { } model)
        {
            return model;
        }

        var other = words.Other ?? new ExitFinding(ExitCause.Unknown, null);
        return other.Cause == ExitCause.Unknown && exit.ExitCode == ExitCodeOfSigkill
            ? new ExitFinding(ExitCause.Killed, null)
            : other;
    }

    /// <inheritdoc cref="Find" path="/param"/>
    /// <returns>
    /// <see cref="FailureCode.OomKilled"/>, <see cref="FailureCode.ImagePullFailed"/>,
    /// <see cref="FailureCode.ModelLoadError"/> or <see cref="FailureCode.RuntimeExited"/>.
    /// </returns>
    public static FailureCode Diagnose(RuntimeExit exit, bool wasServing) => Find(exit, wasServing).Code;

    /// <summary>One line for people: the output line that states the cause, otherwise the exit code.</summary>
    /// <inheritdoc cref="Find" path="/param"/>
    /// <returns>
    /// At most <see cref="OutputLines.MaxChars"/> printable characters, without access tokens; never empty.
    /// </returns>
    public static string Explain(RuntimeExit exit, bool wasServing) =>
        OwnLine(exit, Find(exit, wasServing)) ?? WithoutWords(exit);

    /// <summary>The runtime's own line about its end; null when it printed none.</summary>
    public static string? OwnLine(RuntimeExit exit, ExitFinding finding) =>
        finding.Line
        // A killed process prints nothing about its end, so its last output line has another cause.
        ?? (finding.Cause == ExitCause.Unknown ? OutputLines.LastErrorLine(exit.OutputTail) : null);

    private static Words ReadOutput(string output)
    {
        var words = new Words();
        foreach (var line in output.AsSpan().EnumerateLines())
        {
            if (ExitRules.Find(line) is { } rule)
            {
                words.Add(rule, line);
            }
            else if (ExitRules.IsEnding(line))
            {
                words.IsEnding = true;
            }
            else if (ExitRules.IsAlive(line) && !words.IsEnding)
            {
                words.Survived();
            }
        }

        return words;
    }

    private static ExitFinding? ReadReason(string? reason)
    {
        if (string.IsNullOrEmpty(reason) || reason.StartsWith(RuntimeExit.KilledFromOutside, StringComparison.Ordinal))
        {
            return null;
        }

        foreach (var rule in (ImmutableArray<ExitRule>)[.. HostExits.Reasons, .. ImageExits.Rules])
        {
            if (rule.Matches(reason))
            {
                return new ExitFinding(rule.Cause, null);
            }
        }

        return null;
    }

    private static string WithoutWords(RuntimeExit exit)
    {
        var code = exit.ExitCode switch
        {
            null => "The runtime ended; its host did not report the exit code",
            ExitCodeOfSigkill => "The runtime was killed (exit code 137, SIGKILL)",
            > 128 and < 193 => $"The runtime was ended by signal {exit.ExitCode - 128} (exit code {exit.ExitCode})",
            _ => $"The runtime ended with exit code {exit.ExitCode}",
        };
        return string.IsNullOrWhiteSpace(exit.ProviderReason)
            ? code + "."
            : $"{code}; the provider says: {OutputLines.Clean(exit.ProviderReason)}.";
    }

    /// <summary>The first finding of each kind; a precise one replaces a vague one of its kind.</summary>
    private sealed class Words
    {
        public ExitFinding? Memory { get; private set; }

        public ExitFinding? Image { get; private set; }

        public ExitFinding? Model { get; private set; }

        public ExitFinding? Other { get; private set; }

        /// <summary>Whether the engine announced its end.</summary>
        public bool IsEnding { get; set; }

        public void Add(ExitRule rule, ReadOnlySpan<char> line)
        {
            var code = ExitRule.CodeOf(rule.Cause);
            if (code == FailureCode.OomKilled)
            {
                Memory ??= Of(rule, line);
            }
            else if (code == FailureCode.ImagePullFailed)
            {
                Image = Image is null or { Cause: ExitCause.ImageOther } ? Of(rule, line) : Image;
            }
            else if (code == FailureCode.ModelLoadError)
            {
                var isVague = rule.Cause == ExitCause.ModelOther;
                Model = Model is null || (Model.Cause == ExitCause.ModelOther && !isVague) ? Of(rule, line) : Model;
            }
            else
            {
                Other ??= Of(rule, line);
            }
        }

        public void Survived() => (Memory, Other) = (null, null);

        private static ExitFinding Of(ExitRule rule, ReadOnlySpan<char> line) =>
            new(rule.Cause, OutputLines.Clean(line.ToString()));
    }
}
