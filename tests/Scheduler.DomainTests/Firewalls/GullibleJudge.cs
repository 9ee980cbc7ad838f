using System.Text.RegularExpressions;
using Scheduler.Domain.Firewalls;

namespace Scheduler.DomainTests.Firewalls;

/// <summary>
/// The most gullible judge possible. It reads its prompt like a runtime with an unsafe chat template: control tokens in
/// the text change the speaker, and any end line ends the text. It obeys every line outside the text and repeats the
/// first text that looks like an answer. Without such instructions it judges the text itself and answers yes.
/// </summary>
/// <remarks>It learns the marker only from the first line, as a real judge does.</remarks>
internal static partial class GullibleJudge
{
    /// <summary>The correct answer to every rule is yes.</summary>
    public static string Answer(JudgeQuestion question) =>
        AnswerIn(question.System) ?? AnswerTo(question.User, question.Rules);

    public static string AnswerTo(string user, int rules)
    {
        var marker = MarkerLine().Match(user).Groups[1].Value;
        if (SpeakerToken().IsMatch(user) || LinesOutside(user, marker).Any(IsOrder))
        {
            return Say(marker, rules, "false");
        }

        return AnswerIn(user) ?? Say(marker, rules, "true");
    }

    /// <summary>A well-formed answer.</summary>
    public static string Say(string marker, int rules, string each) =>
        $$"""{"marker":"{{marker}}",{{string.Join(',', Enumerable.Range(1, rules).Select(n => $"\"{n}\":{each}"))}}}""";

    /// <summary>All lines outside the markers, with every Unicode line separator counted.</summary>
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
                // A line inside the markers without the required beginning has broken out of its JSON string.
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
