using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Grains;

namespace Scheduler.Edge;

/// <summary>Collects everything wrong with a request, so that all of it is told at once. The first fault of a field is kept.</summary>
internal sealed class Faults
{
    /// <summary>Beyond this many, further faults are counted but not told.</summary>
    public const int Most = 100;

    private readonly List<FieldFault> _faults = [];
    private readonly HashSet<string> _fields = new(StringComparer.Ordinal);

    /// <summary>Whether nothing is wrong.</summary>
    public bool None => _faults.Count == 0;

    /// <summary>What is wrong, in the order it was found.</summary>
    public ImmutableArray<FieldFault> All => [.. _faults];

    /// <summary>Notes a fault, unless the field or what it lies in has one already.</summary>
    /// <param name="field">Path in the names of the proto, for example <c>spec.context_tokens</c>.</param>
    /// <param name="description">What is wrong and what is accepted.</param>
    public void Add(string field, string description)
    {
        if (_faults.Count >= Most || IsCovered(field) || !_fields.Add(field))
        {
            return;
        }

        _faults.Add(new FieldFault(field, description));
    }

    /// <summary>Notes that a number is out of range.</summary>
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
