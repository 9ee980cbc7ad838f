using System.Buffers;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>Spellings of options.</summary>
/// <remarks>
/// vLLM takes <c>_</c> for <c>-</c>, and <c>--option.member</c> for a member of a JSON value (<c>FlexibleArgumentParser</c>).
/// One rule for all engines refuses at most a spelling that an engine would not take.
/// </remarks>
internal static class OptionName
{
    private static readonly SearchValues<char> NumberLetters = SearchValues.Create("0123456789.");

    /// <summary>Whether a parser takes the argument for an option and not for a value.</summary>
    public static bool IsOption(string argument) =>
        argument.StartsWith('-') && !IsNumber(argument.AsSpan(1)) && argument.TrimStart('-').Length > 0;

    /// <summary>Whether a parser may take the argument for an option, or for the end of the options (<c>--</c>).</summary>
    public static bool HasDash(string argument) => argument.StartsWith('-') && !IsNumber(argument.AsSpan(1));

    /// <summary>The name without a value after <c>=</c> and without members, with <c>-</c> for <c>_</c>.</summary>
    public static string Canonical(string argument)
    {
        var name = argument.Split('=', 2)[0];
        var dashes = name.Length - name.TrimStart('-').Length;
        var member = name.IndexOf('.', StringComparison.Ordinal);
        return name[..(member > dashes ? member : name.Length)].Replace('_', '-');
    }

    /// <summary>The value after <c>=</c>; null without one.</summary>
    public static string? ValueIn(string argument) => argument.Split('=', 2) is [_, var value] ? value : null;

    public static bool IsShort(string name) => name.StartsWith('-') && !name.StartsWith("--", StringComparison.Ordinal);

    private static bool IsNumber(ReadOnlySpan<char> text) =>
        text.IndexOfAnyExcept(NumberLetters) < 0 && text.IndexOfAnyExcept('.') >= 0;
}
