using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Firewalls;

/// <summary>What rules and firewalls must be in themselves. Everything that is wrong is told at once.</summary>
public static partial class FirewallValidation
{
    /// <summary>What a slug is.</summary>
    public const string Slug = "1 to 63 of a-z 0-9 -, beginning with a letter or digit";

    /// <summary>Most characters of a name.</summary>
    public const int LongestName = 128;

    /// <summary>Most characters of a description.</summary>
    public const int LongestDescription = 1024;

    /// <summary>Most characters of a rule's question: one sentence or two, so that many fit one call of the judge.</summary>
    public const int LongestPrompt = 1000;

    /// <summary>Most characters of a category.</summary>
    public const int LongestCategory = 64;

    /// <summary>Most characters of a source.</summary>
    public const int LongestSource = 256;

    /// <summary>Most rules of a firewall: all are asked in one call, and a small judge loses count beyond.</summary>
    public const int MostRules = 32;

    /// <summary>The shortest deadline that a judge in the same building can hold.</summary>
    public static readonly TimeSpan ShortestDeadline = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest time a request may wait for its judge.</summary>
    public static readonly TimeSpan LongestDeadline = TimeSpan.FromSeconds(30);

    /// <summary>Whether a text is a slug.</summary>
    public static bool IsSlug(string text) => SlugPattern().IsMatch(text);

    private static bool IsServingName(string text) => ServingNamePattern().IsMatch(text);

    /// <summary>Everything wrong with a rule; its slug is checked where it is said.</summary>
    public static ImmutableArray<FirewallFault> FaultsOf(FirewallRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var faults = ImmutableArray.CreateBuilder<FirewallFault>();
        CheckLine(faults, "display_name", rule.Name, LongestName, isNeeded: true);
        CheckText(faults, "description", rule.Description, LongestDescription);
        CheckLine(faults, "prompt", rule.Prompt, LongestPrompt, isNeeded: true);
        CheckLine(faults, "category", rule.Category, LongestCategory, isNeeded: true);
        CheckLine(faults, "source", rule.Source, LongestSource, isNeeded: false);
        if (!Enum.IsDefined(rule.Severity))
        {
            faults.Add(new("severity", "Must be one of LOW, MEDIUM, HIGH, CRITICAL."));
        }

        return faults.ToImmutable();
    }

    /// <summary>Everything wrong with a firewall in itself; whether rules and judge exist is for others to find out.</summary>
    public static ImmutableArray<FirewallFault> FaultsOf(FirewallDraft draft)
    {
        ArgumentNullException.ThrowIfNull(draft);
        var faults = ImmutableArray.CreateBuilder<FirewallFault>();
        CheckLine(faults, "display_name", draft.Name, LongestName, isNeeded: false);
        if (!Enum.IsDefined(draft.Mode))
        {
            faults.Add(new("mode", "Must be one of BLOCK, AUDIT, ALLOW."));
        }

        if (!IsServingName(draft.Judge))
        {
            faults.Add(
                new("judge", "Must be a serving name: 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit.")
            );
        }

        if (draft.JudgeDeadline < ShortestDeadline || draft.JudgeDeadline > LongestDeadline)
        {
            faults.Add(
                new(
                    "judge_deadline",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Is {draft.JudgeDeadline.TotalSeconds} s; accepted is {ShortestDeadline.TotalSeconds} s to {LongestDeadline.TotalSeconds} s."
                    )
                )
            );
        }

        CheckSlugs(faults, draft.Rules);
        return faults.ToImmutable();
    }

    private static void CheckSlugs(ImmutableArray<FirewallFault>.Builder faults, ImmutableArray<string> rules)
    {
        if (rules.Length is 0 or > MostRules)
        {
            faults.Add(new("rules", $"Are {rules.Length}; accepted is 1 to {MostRules}."));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < Math.Min(rules.Length, MostRules); i++)
        {
            if (!IsSlug(rules[i]))
            {
                faults.Add(new(RuleField(i), $"Must be a rule's slug: {Slug}."));
            }
            else if (!seen.Add(rules[i]))
            {
                faults.Add(new(RuleField(i), $"Names '{rules[i]}' again; each rule is asked once."));
            }
        }
    }

    /// <summary>How the i-th rule of a firewall is named in a fault.</summary>
    public static string RuleField(int index) => string.Create(CultureInfo.InvariantCulture, $"rules[{index}]");

    private static void CheckLine(
        ImmutableArray<FirewallFault>.Builder faults,
        string field,
        string text,
        int longest,
        bool isNeeded
    )
    {
        if (isNeeded && string.IsNullOrWhiteSpace(text))
        {
            faults.Add(new(field, $"Is missing; accepted is 1 to {longest} characters in one line."));
        }
        else if (text.Length > longest || text.Any(IsBreak))
        {
            faults.Add(new(field, $"Must be at most {longest} characters in one line."));
        }
    }

    private static void CheckText(ImmutableArray<FirewallFault>.Builder faults, string field, string text, int longest)
    {
        if (text.Length > longest || text.Any(c => char.IsControl(c) && c is not ('\n' or '\t')))
        {
            faults.Add(
                new(field, $"Must be at most {longest} characters, no control characters but line ends and tabs.")
            );
        }
    }

    /// <summary>Whatever somebody could see as the end of a line.</summary>
    private static bool IsBreak(char c) =>
        char.GetUnicodeCategory(c)
            is UnicodeCategory.Control
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator;

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex SlugPattern();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex ServingNamePattern();
}

/// <summary>One thing wrong with a rule or a firewall.</summary>
/// <param name="Field">Which field, by its name in the API.</param>
/// <param name="Description">What is wrong and what is accepted.</param>
public readonly record struct FirewallFault(string Field, string Description);
