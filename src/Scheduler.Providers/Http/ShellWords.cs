using System.Text;

namespace Scheduler.Providers.Http;

/// <summary>Writes arguments as one text, for vendors and scripts that split it as a POSIX shell does.</summary>
internal static class ShellWords
{
    internal static string Join(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    /// <summary>A word that a shell reads as exactly this text.</summary>
    internal static string Quote(string word)
    {
        if (word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./:=,@%+".Contains(letter)))
        {
            return word;
        }

        return new StringBuilder("'")
            .Append(word.Replace("'", "'\\''", StringComparison.Ordinal))
            .Append('\'')
            .ToString();
    }
}
