using System.Collections.Immutable;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Instances;

/// <summary>The known names that are most like an unknown one. Called for faults only.</summary>
/// <remarks>
/// Both texts are compared without case and separators. The distance is the number of inserted, deleted, replaced or
/// swapped letters that turn the text into a part of the name: Sellers' search, with swaps. So <c>H100</c> has distance
/// 0 from <c>H100-80GB-SXM</c>. A name is near with at most one edit per three letters of the text. The distance to the
/// whole name decides ties, then the ordinal order.
/// </remarks>
internal static class NearestNames
{
    /// <summary>Maximum number of names in one answer; more do not help a reader.</summary>
    public const int Most = 5;

    /// <summary>Letters that are compared; no accepted name is longer (<c>Grammar</c>).</summary>
    private const int LongestText = 128;

    private const int LettersPerEdit = 3;

    public static ImmutableArray<string> Of(string text, IEnumerable<string> names)
    {
        var asked = Letters(text);
        return
        [
            .. names
                .Select(name => (Name: name, Letters: Letters(name)))
                .Select(known => (known.Name, Part: Distance(asked, known.Letters, isPart: true), known.Letters))
                .Where(known => asked.Length > 0 && known.Part * LettersPerEdit <= asked.Length)
                .OrderBy(known => known.Part)
                .ThenBy(known => Distance(asked, known.Letters, isPart: false))
                .ThenBy(known => known.Name, StringComparer.Ordinal)
                .Select(known => known.Name)
                .Take(Most),
        ];
    }

    /// <summary>Edits from a text to a name, or to the part of the name that needs the fewest.</summary>
    internal static int Distance(string text, string name, bool isPart)
    {
        var (before, previous, current) = (
            new int[name.Length + 1],
            new int[name.Length + 1],
            new int[name.Length + 1]
        );
        for (var column = 0; column <= name.Length; column++)
        {
            previous[column] = isPart ? 0 : column;
        }

        for (var row = 1; row <= text.Length; row++)
        {
            current[0] = row;
            for (var column = 1; column <= name.Length; column++)
            {
                var replaced = previous[column - 1] + (text[row - 1] == name[column - 1] ? 0 : 1);
                var least = Math.Min(replaced, Math.Min(previous[column], current[column - 1]) + 1);
                var isSwap =
                    row > 1 && column > 1 && text[row - 1] == name[column - 2] && text[row - 2] == name[column - 1];
                current[column] = isSwap ? Math.Min(least, before[column - 2] + 1) : least;
            }

            (before, previous, current) = (previous, current, before);
        }

        return isPart ? previous.Min() : previous[^1];
    }

    private static string Letters(string text)
    {
        var letters = GpuCatalogue.Canonical(text);
        return letters.Length <= LongestText ? letters : letters[..LongestText];
    }
}
