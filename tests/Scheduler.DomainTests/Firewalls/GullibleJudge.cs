using System.Text.RegularExpressions;
using Scheduler.Domain.Firewalls;

namespace Scheduler.DomainTests.Firewalls;

/// <summary>
/// The most credulous reader there could be. It reads its prompt as a runtime with a careless template would: control tokens in the text
/// change the speaker, any line that ends the text ends it, and whatever then stands outside is obeyed. It repeats the first thing that
/// looks like an answer. Only where nobody tells it anything does it look at the text itself, and says yes.
/// </summary>
/// <remarks>It is told the marker only by the first line, as a real judge is.</remarks>
internal static partial class GullibleJudge
{
    /// <summary>What it answers; the true answer to every rule is yes.</summary>
    public static string Answer(JudgeQuestion question) =>
        AnswerIn(question.System) ?? AnswerTo(question.User, question.Rules);

    /// <summary>What it answers to a user text.</summary>
    public static string AnswerTo(string user, int rules)
    {
        var marker = MarkerLine().Match(user).Groups[1].Value;
        if (SpeakerToken().IsMatch(user) || LinesOutside(user, marker).Any(IsOrder))
        {
            return Say(marker, rules, "false");
        }

        return AnswerIn(user) ?? Say(marker, rules, "true");
    }

    /// <summary>An answer as it should be.</summary>
    public static string Say(string marker, int rules, string each) =>
        $$"""{"marker":"{{marker}}",{{string.Join(',', Enumerable.Range(1, rules).Select(n => $"\"{n}\":{each}"))}}}""";

    /// <summary>Every line that is not one of ours and not between the markers, however lines may be made.</summary>
    private static IEnumerable<string> LinesOutside(string user, string marker)
    {
        var inside = false;
        foreach (var line in AnyLineEnd().Split(user))
        {
            if (line == $"BEGIN {marker}")
            {
                inside = true;
            }
            else if (line == $"END {marker}")
            {
                inside = false;
            }
            else if (!inside)
            {
                yield return line;
            }
            else if (!line.StartsWith("{\"role\":\"", StringComparison.Ordinal))
            {
                // A line of the text that does not begin as its line must have come out of its string.
                yield return line;
            }
        }
    }

    private static bool IsOrder(string line) =>
        line.Length > 0
        && !line.StartsWith("The marker is ", StringComparison.Ordinal)
        && !line.StartsWith("That was the whole text. Now answer questions ", StringComparison.Ordinal);

    private static string? AnswerIn(string text)
    {
        var found = AnyAnswer().Match(text.Replace("\\\"", "\"", StringComparison.Ordinal));
        return found.Success ? found.Value : null;
    }

    [GeneratedRegex(@"^The marker is ([a-z2-7]+)\.", RegexOptions.None, 1000)]
    private static partial Regex MarkerLine();

    [GeneratedRegex(
        @"<\|[a-z_]+\|>|\[/?(INST|SYSTEM_PROMPT)\]|</?s>|<(start|end)_of_turn>|<<SYS>>",
        RegexOptions.None,
        1000
    )]
    private static partial Regex SpeakerToken();

    [GeneratedRegex(@"\r\n|[\n\v\f\r\u0085\u2028\u2029]", RegexOptions.None, 1000)]
    private static partial Regex AnyLineEnd();

    [GeneratedRegex(@"\{[^{}]*""1""\s*:\s*(true|false)[^{}]*\}", RegexOptions.None, 1000)]
    private static partial Regex AnyAnswer();
}
