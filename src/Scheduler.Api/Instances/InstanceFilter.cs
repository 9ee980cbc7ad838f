using System.Globalization;
using System.Text;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Edge;

namespace Scheduler.Api.Instances;

/// <summary>
/// Parses a filter: conditions <c>field = "value"</c> joined by <c>AND</c>, each field at most once. In a value,
/// <c>\"</c> is a quote and <c>\\</c> a backslash. This is a small, strict subset of AIP-160.
/// </summary>
internal sealed class InstanceFilter
{
    public const int Longest = 1024;
    private const string Field = "filter";
    private static readonly string[] Names =
    [
        "state",
        "failure_code",
        "provider",
        "region",
        "gpu_type",
        "serving_name",
        "text",
    ];

    private readonly string _text;
    private readonly List<string> _faults = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private InstanceQuery _query = new();
    private int _at;

    private InstanceFilter(string text) => _text = text;

    /// <summary>Parses a filter into a query; the caller sets account, cursor and limit.</summary>
    /// <param name="text">The filter; empty matches all instances.</param>
    /// <param name="faults">Gets all errors of the filter, as one validation error of the field <c>filter</c>.</param>
    public static InstanceQuery Parse(string text, Faults faults)
    {
        var filter = new InstanceFilter(text);
        if (text.Length > Longest)
        {
            faults.Add(Field, $"Must be at most {Longest} characters.");
            return filter._query;
        }

        filter.Read();
        if (filter._faults.Count > 0)
        {
            faults.Add(Field, string.Join(' ', filter._faults));
        }

        return filter._query;
    }

    public static string Quote(string value) =>
        $"\"{value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private void Read()
    {
        SkipBlanks();
        if (_at == _text.Length)
        {
            return;
        }

        while (ReadCondition())
        {
            SkipBlanks();
            if (_at == _text.Length)
            {
                return;
            }

            if (!string.Equals(ReadWord(), "AND", StringComparison.Ordinal))
            {
                Stop("expected AND");
                return;
            }

            SkipBlanks();
        }
    }

    private bool ReadCondition()
    {
        var start = _at;
        var name = ReadWord();
        if (name.Length == 0)
        {
            return Stop("expected a field name");
        }

        SkipBlanks();
        if (_at == _text.Length || _text[_at] != '=')
        {
            return Stop("expected =");
        }

        _at++;
        SkipBlanks();
        if (ReadValue() is not { } value)
        {
            return false;
        }

        if (!Names.Contains(name, StringComparer.Ordinal))
        {
            _faults.Add($"At {start + 1}: unknown field {name}; known are {string.Join(", ", Names)}.");
        }
        else if (!_seen.Add(name))
        {
            _faults.Add($"At {start + 1}: {name} is given more than once.");
        }
        else if (value.Length is 0 or > 128)
        {
            _faults.Add($"At {start + 1}: the value of {name} must have 1 to 128 characters.");
        }
        else
        {
            Take(name, value, start);
        }

        return true;
    }

    private void Take(string name, string value, int start)
    {
        switch (name)
        {
            case "state":
                TakeState(value, start);
                break;
            case "failure_code":
                TakeCode(value, start);
                break;
            case "provider":
                _query = _query with { Provider = value };
                break;
            case "region":
                _query = _query with { Region = value };
                break;
            case "gpu_type":
                _query = _query with { GpuType = value };
                break;
            case "serving_name":
                _query = _query with { ServingName = value };
                break;
            default:
                _query = _query with { Text = value };
                break;
        }
    }

    private void TakeState(string value, int start)
    {
        const string prefix = "INSTANCE_STATE_";
        var name = value.StartsWith(prefix, StringComparison.Ordinal) ? value[prefix.Length..] : value;
        foreach (var state in Enum.GetValues<InstanceState>())
        {
            if (string.Equals(state.ToString().ToUpperInvariant(), name, StringComparison.Ordinal))
            {
                _query = _query with { States = [state] };
                return;
            }
        }

        var known = string.Join(", ", Enum.GetNames<InstanceState>().Select(n => n.ToUpperInvariant()));
        _faults.Add($"At {start + 1}: unknown state; known are {known}.");
    }

    private void TakeCode(string value, int start)
    {
        if (FailureCodes.TryParse(value, out var code) && code != FailureCode.None)
        {
            _query = _query with { Code = code };
        }
        else
        {
            _faults.Add($"At {start + 1}: unknown failure_code; GET /v1/failures lists them.");
        }
    }

    private string ReadWord()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetter(_text[_at]) || _text[_at] == '_'))
        {
            _at++;
        }

        return _text[start.._at];
    }

    private string? ReadValue()
    {
        if (_at == _text.Length || _text[_at] != '"')
        {
            Stop("expected a value in double quotes");
            return null;
        }

        var value = new StringBuilder();
        for (_at++; _at < _text.Length; _at++)
        {
            switch (_text[_at])
            {
                case '"':
                    _at++;
                    return value.ToString();
                case '\\' when _at + 1 < _text.Length && (_text[_at + 1] is '"' or '\\'):
                    value.Append(_text[++_at]);
                    break;
                case '\\':
                    Stop("only \\\" and \\\\ may follow a backslash");
                    return null;
                default:
                    value.Append(_text[_at]);
                    break;
            }
        }

        Stop("the value has no closing quote");
        return null;
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && _text[_at] == ' ')
        {
            _at++;
        }
    }

    private bool Stop(string why)
    {
        _faults.Add(string.Create(CultureInfo.InvariantCulture, $"At {_at + 1}: {why}."));
        return false;
    }
}
