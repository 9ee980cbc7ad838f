using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Grains;

namespace Scheduler.Edge;

/// <summary>
/// Collects the validation errors of a request, so that one response reports all of them. A field keeps its first
/// error.
/// </summary>
internal sealed class Faults
{
    /// <summary>Maximum number of errors; further ones are dropped.</summary>
    public const int Most = 100;

    private readonly List<FieldFault> _faults = [];
    private readonly HashSet<string> _fields = new(StringComparer.Ordinal);

    public bool None => _faults.Count == 0;

    /// <summary>In the order they were added.</summary>
    public ImmutableArray<FieldFault> All => [.. _faults];

    /// <summary>Adds an error, unless the field or one of its parents has one already.</summary>
    /// <param name="field">Path with the names of the proto, for example <c>spec.context_tokens</c>.</param>
    /// <param name="description">States the problem and the accepted values.</param>
    public void Add(string field, string description)
    {
        if (_faults.Count >= Most || IsCovered(field) || !_fields.Add(field))
        {
            return;
        }

        _faults.Add(new FieldFault(field, description));
    }

    public void Range(string field, long value, long least, long most, string unit = "")
    {
        if (value < least || value > most)
        {
            Add(
                field,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Is {value}; accepted is {least} to {most}{(unit.Length > 0 ? " " : "")}{unit}."
                )
            );
        }
    }

    private bool IsCovered(string field)
    {
        for (var end = field.LastIndexOfAny(['.', '[']); end > 0; end = field.LastIndexOfAny(['.', '['], end - 1))
        {
            if (_fields.Contains(field[..end]))
            {
                return true;
            }
        }

        return false;
    }
}
