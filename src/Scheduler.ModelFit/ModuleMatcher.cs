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
    /// <summary>Maximum number of entries per list; published lists reach some ten thousand names.</summary>
    private const int MaxEntries = 1 << 16;

    /// <summary>
    /// Maximum number of globs with an asterisk inside. Those with one only at the end are as cheap as names.
    /// </summary>
    private const int MaxGlobs = 256;

    /// <summary>Maximum number of regular expressions per list; published lists have fewer than ten.</summary>
    private const int MaxExpressions = 32;

    private const int MaxPatternChars = 256;

    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _prefixes = new(StringComparer.Ordinal);
    private readonly List<string> _globs = [];
    private readonly List<Regex> _expressions = [];

    /// <summary>Number of plain names.</summary>
    public int Names => _names.Count;

    /// <summary>Adds a plain name; nothing happens when the list is full.</summary>
    public void AddName(string name)
    {
        if (_names.Count < MaxEntries && Canonical(name) is { Length: > 0 } canonical)
        {
            _names.Add(canonical);
        }
    }

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
                        $"{field} holds an entry that is no module name, or more than {MaxEntries} names, {MaxGlobs} globs and {MaxExpressions} expressions of {MaxPatternChars} characters."
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

        if (_prefixes.Count > 0 && HasPrefix(module))
        {
            return true;
        }

        foreach (var glob in _globs)
        {
            if (MatchesGlob(module, glob))
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
        if (_names.Count + _prefixes.Count >= MaxEntries)
        {
            return false;
        }

        var isExpression = entry.StartsWith("re:", StringComparison.Ordinal);
        if (!isExpression && !entry.Contains('*', StringComparison.Ordinal))
        {
            AddName(entry);
            return true;
        }

        if (entry.Length > MaxPatternChars)
        {
            return false;
        }

        return isExpression ? TryAddExpression(entry[3..]) : TryAddGlob(Canonical(entry));
    }

    private bool TryAddGlob(string glob)
    {
        if (glob.IndexOf('*', StringComparison.Ordinal) == glob.Length - 1)
        {
            _prefixes.Add(glob[..^1]);
            return true;
        }

        _globs.Add(glob);
        return _globs.Count <= MaxGlobs;
    }

    private bool TryAddExpression(string expression)
    {
        try
        {
            // The pattern is untrusted. Without backtracking, the match time is linear in the name for any pattern.
            _expressions.Add(new Regex($"^(?:{expression})", RegexOptions.NonBacktracking));
            return _expressions.Count <= MaxExpressions;
        }
        catch (Exception fault) when (fault is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private bool HasPrefix(string module)
    {
        var lookup = _prefixes.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var length = 0; length <= module.Length; length++)
        {
            if (lookup.Contains(module.AsSpan(0, length)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Matches a glob against a whole name or a part of its path from the start. Greedy with one step back per
    /// asterisk, so the time is at most the product of both lengths.
    /// </summary>
    private static bool MatchesGlob(ReadOnlySpan<char> name, ReadOnlySpan<char> glob)
    {
        var (at, star, resume) = (0, -1, 0);
        for (var i = 0; i < name.Length; )
        {
            if (at == glob.Length && name[i] == '.')
            {
                return true;
            }

            if (at < glob.Length && glob[at] == '*')
            {
                (star, resume) = (at++, i);
            }
            else if (at < glob.Length && glob[at] == name[i])
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                at = star + 1;
                i = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (at < glob.Length && glob[at] == '*')
        {
            at++;
        }

        return at == glob.Length;
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
        foreach (var root in (ReadOnlySpan<string>)["model.", "backbone."])
        {
            rest = rest.StartsWith(root, StringComparison.Ordinal) ? rest[root.Length..] : rest;
        }

        // Mixtral's names of the three matrices.
        foreach (
            var (own, usual) in (ReadOnlySpan<(string, string)>)
                [(".w1", ".gate_proj"), (".w2", ".down_proj"), (".w3", ".up_proj")]
        )
        {
            rest = rest.EndsWith(own, StringComparison.Ordinal) ? rest[..^own.Length] + usual : rest;
        }

        return rest;
    }
}
