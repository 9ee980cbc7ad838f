using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Firewalls;

/// <summary>The specification of a firewall. Its rules and its judge may not exist yet.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallDraft")]
public sealed record FirewallDraft
{
    /// <summary>The default of <see cref="JudgeDeadline"/>.</summary>
    public static readonly TimeSpan DefaultJudgeDeadline = TimeSpan.FromSeconds(2);

    /// <summary>For people, one line.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    [Id(1)]
    public FirewallMode Mode { get; init; }

    /// <summary>Serving name of the instance that answers the questions of the rules.</summary>
    [Id(2)]
    public string Judge { get; init; } = "";

    /// <summary>Slugs of the rules, in the order of questions and reports.</summary>
    [Id(3)]
    public ImmutableArray<string> Rules { get; init; } = [];

    /// <summary>How long the judge may take for one request, including a second (hedged) call.</summary>
    [Id(4)]
    public TimeSpan JudgeDeadline { get; init; } = DefaultJudgeDeadline;

    /// <summary>
    /// Whether evaluations keep the beginning of the judged text (<see cref="FirewallEvaluation.LongestPrompt"/>).
    /// </summary>
    [Id(5)]
    public bool KeepPrompt { get; init; }

    /// <summary>
    /// Whether the judge reads images. Without it, a firewall in block mode refuses requests with images.
    /// </summary>
    [Id(6), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool JudgeSeesImages { get; init; }

    /// <summary>Compares the rules element by element.</summary>
    public bool Equals(FirewallDraft? other) =>
        other is not null
        && string.Equals(Name, other.Name, StringComparison.Ordinal)
        && Mode == other.Mode
        && string.Equals(Judge, other.Judge, StringComparison.Ordinal)
        && Rules.SequenceEqual(other.Rules, StringComparer.Ordinal)
        && JudgeDeadline == other.JudgeDeadline
        && KeepPrompt == other.KeepPrompt
        && JudgeSeesImages == other.JudgeSeesImages;

    public override int GetHashCode() =>
        HashCode.Combine(Name, Mode, Judge, Rules.Length, JudgeDeadline, KeepPrompt, JudgeSeesImages);
}

/// <summary>What a firewall does with the judge's verdict.</summary>
public enum FirewallMode
{
    /// <summary>A match refuses the request; so does a missing verdict (INV-10).</summary>
    Block = 1,

    /// <summary>The judge is asked in parallel and the request does not wait; matches are recorded.</summary>
    Audit = 2,

    /// <summary>A response header reports the matches; no request is refused.</summary>
    Allow = 3,
}
