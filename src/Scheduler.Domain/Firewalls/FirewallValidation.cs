using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Firewalls;

/// <summary>Validation of rules and firewalls without their account. It returns all faults at once.</summary>
public static partial class FirewallValidation
{
    /// <summary>The form of a slug, for messages.</summary>
    public const string Slug = "1 to 63 of a-z 0-9 -, beginning with a letter or digit";

    public const int LongestName = 128;

    public const int LongestDescription = 1024;

    /// <summary>
    /// Most characters of a rule's question: one or two sentences, so that many questions fit into one call of the
    /// judge.
    /// </summary>
    public const int LongestPrompt = 1000;

    public const int LongestCategory = 64;

    public const int LongestSource = 256;

    /// <summary>
    /// Most rules of a firewall: one call asks all of them, and small judges confuse the numbers of more.
    /// </summary>
    public const int MostRules = 32;

    /// <summary>The shortest deadline that a judge in the same data center can meet.</summary>
    public static readonly TimeSpan ShortestDeadline = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest time a request may wait for its judge.</summary>
    public static readonly TimeSpan LongestDeadline = TimeSpan.FromSeconds(30);

    public static bool IsSlug(string text) => SlugPattern().IsMatch(text);

    private static bool IsServingName(string text) => ServingNamePattern().IsMatch(text);

    /// <summary>
    /// All faults of a rule except those of its slug, which the API checks under the name of its field.
    /// </summary>
    public static ImmutableArray<FirewallFault> FaultsOf(FirewallRule rule)
    {
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

    /// <summary>All faults of a firewall that can be found without knowing which rules and judges exist.</summary>
    public static ImmutableArray<FirewallFault> FaultsOf(FirewallDraft draft)
    {
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

    /// <summary>The field name of a firewall's rule in faults.</summary>
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

    /// <summary>Every character that a reader could take for the end of a line.</summary>
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

/// <param name="Field">The field's name in the API.</param>
/// <param name="Description">What is wrong and what is accepted.</param>
public readonly record struct FirewallFault(string Field, string Description);
