using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Scheduler.ModelFit;

/// <summary>
/// A list of module names as quantizers write it (<c>modules_to_not_convert</c>, <c>ignore</c>,
/// <c>exclude_modules</c>). An entry is a name or a part of one, a glob with <c>*</c>, or a regular expression after
/// <c>re:</c>.
/// </summary>
internal sealed class ModuleMatcher
{
    /// <summary>Maximum number of globs and expressions per list; published lists have fewer than ten.</summary>
    private const int MaxPatterns = 32;

    private const int MaxPatternChars = 256;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly List<Regex> _globs = [];
    private readonly List<Regex> _expressions = [];

    public bool IsEmpty => _names.Count == 0 && _globs.Count == 0 && _expressions.Count == 0;

    /// <summary>Null for an invalid entry; the error is recorded in <paramref name="fields"/>.</summary>
    public static ModuleMatcher? Read(JsonElement? list, string field, ConfigFields fields)
    {
        var matcher = new ModuleMatcher();
        if (list is not { ValueKind: JsonValueKind.Array } entries)
        {
            return matcher;
        }

        foreach (var entry in entries.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.String || !matcher.TryAdd(entry.GetString() ?? ""))
            {
                fields.Refuse(
                    ModelRefusalKind.BadField,
                    field,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{field} holds an entry that is no module name, or more than {MaxPatterns} patterns of {MaxPatternChars} characters."
                    )
                );
                return null;
            }
        }

        return matcher;
    }

    /// <summary>Whether the list names the module, a part that contains it, or a piece of its path.</summary>
    /// <param name="module">Canonical name: <c>layers.3.self_attn.q_proj</c>, <c>lm_head</c>.</param>
    public bool Matches(string module)
    {
        if (_names.Count > 0 && NamesPieceOf(module))
        {
            return true;
        }

        foreach (var glob in _globs)
        {
            if (glob.IsMatch(module))
            {
                return true;
            }
        }

        foreach (var expression in _expressions)
        {
            if (expression.IsMatch("model." + module))
            {
                return true;
            }
        }

        return false;
    }

    private bool TryAdd(string entry)
    {
        var isExpression = entry.StartsWith("re:", StringComparison.Ordinal);
        if (!isExpression && !entry.Contains('*', StringComparison.Ordinal))
        {
            var name = Canonical(entry);
            if (name.Length > 0)
            {
                _names.Add(name);
            }

            return true;
        }

        if (entry.Length > MaxPatternChars || _globs.Count + _expressions.Count >= MaxPatterns)
        {
            return false;
        }

        var pattern = isExpression
            ? $"^(?:{entry[3..]})"
            : $"^{Regex.Escape(Canonical(entry)).Replace("\\*", ".*", StringComparison.Ordinal)}(?:\\..*)?$";
        try
        {
            // The pattern is untrusted. Without backtracking, the match time is linear in the name for any pattern.
            (isExpression ? _expressions : _globs).Add(new Regex(pattern, RegexOptions.NonBacktracking));
            return true;
        }
        catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private bool NamesPieceOf(string module)
    {
        var lookup = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var start = 0; start < module.Length; )
        {
            for (var end = module.IndexOf('.', start); ; end = module.IndexOf('.', end + 1))
            {
                var piece = end < 0 ? module.AsSpan(start) : module.AsSpan(start, end - start);
                if (lookup.Contains(piece))
                {
                    return true;
                }

                if (end < 0)
                {
                    break;
                }
            }

            var next = module.IndexOf('.', start);
            start = next < 0 ? module.Length : next + 1;
        }

        return false;
    }

    private static string Canonical(string name)
    {
        var rest = name.Replace("language_model.", "", StringComparison.Ordinal);
        return rest.StartsWith("model.", StringComparison.Ordinal) ? rest["model.".Length..] : rest;
    }
}
