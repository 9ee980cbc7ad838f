using System.Globalization;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Reads the fields of one <c>config.json</c>: values that the family derives, then the language model's part
/// (<c>text_config</c>), then the root, then the defaults of the family's class. Records only the first error. After an
/// error every read still returns a harmless number, so that callers check <see cref="Fault"/> once at the end.
/// </summary>
internal sealed class ConfigFields(JsonElement root, JsonElement text)
{
    private const int MaxDoubts = 8;

    private readonly Dictionary<string, JsonElement> _derived = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonElement> _defaults = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly List<string> _doubts = [];

    public JsonElement Root => root;

    public JsonElement TextPart => text;

    /// <summary>Whether the language model has a part of its own.</summary>
    public bool HasTextPart { get; init; }

    public ModelRefusal? Fault { get; private set; }

    /// <summary>Why the figures are uncertain; empty when they are not.</summary>
    public IReadOnlyList<string> Doubts => _doubts;

    public void Refuse(ModelRefusalKind kind, string field, string message) => Fault ??= new(kind, field, message);

    public void Doubt(string reason)
    {
        if (_doubts.Count < MaxDoubts && !_doubts.Contains(reason, StringComparer.Ordinal))
        {
            _doubts.Add(reason);
        }
    }

    /// <summary>Sets a field that the family derives from others.</summary>
    public void Set(string name, long value) => _derived[name] = JsonSerializer.SerializeToElement(value);

    /// <summary>Gives a field the value of another, of any name in use; nothing happens when it is absent.</summary>
    public void Alias(string name, params ReadOnlySpan<string> sources)
    {
        if (Find(sources) is { } value)
        {
            _derived[name] = value;
        }
    }

    public void Default(string name, string json)
    {
        using var document = JsonDocument.Parse(json);
        _defaults[name] = document.RootElement.Clone();
    }

    /// <summary>Whether a read has looked for the field.</summary>
    public bool HasRead(string name) => _read.Contains(name);

    public void MarkRead(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            _read.Add(name);
        }
    }

    /// <summary>The first of <paramref name="names"/> that is present and not null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> names)
    {
        MarkRead(names);
        foreach (var name in names)
        {
            if (
                (
                    _derived.TryGetValue(name, out var value)
                    || (text.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null)
                    || root.TryGetProperty(name, out value)
                )
                && value.ValueKind != JsonValueKind.Null
            )
            {
                return value;
            }
        }

        foreach (var name in names)
        {
            if (_defaults.TryGetValue(name, out var value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>A whole number from 1 to <paramref name="max"/>; absence is an error and returns 1.</summary>
    public long Need(long max, params ReadOnlySpan<string> names)
    {
        var value = Number(0, max, names);
        if (value is null)
        {
            Refuse(ModelRefusalKind.MissingField, names[0], $"config.json has no {string.Join(" / ", names!)}.");
        }
        else if (value == 0)
        {
            Refuse(ModelRefusalKind.BadField, names[0], $"{names[0]} is 0; 1 to {max} is accepted.");
        }

        return Math.Max(1, value ?? 1);
    }

    /// <summary>
    /// A whole number from <paramref name="min"/> to <paramref name="max"/>; null when absent. For an invalid value an
    /// error is recorded and null returned. A list with one value per layer counts as its largest value.
    /// </summary>
    public long? Number(long min, long max, params ReadOnlySpan<string> names)
    {
        if (Find(names) is not { } element)
        {
            return null;
        }

        if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() > 0)
        {
            element = Largest(element, names[0]);
        }

        if (TryWhole(element, out var value) && value >= min && value <= max)
        {
            return value;
        }

        Refuse(
            ModelRefusalKind.BadField,
            names[0],
            $"{string.Join(" / ", names!)} is {Shown(element)}; a whole number from {min} to {max} is accepted."
        );
        return null;
    }

    /// <summary>A number that is not whole, or null.</summary>
    public double? Real(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.Number } element
        && element.TryGetDouble(out var value)
        && double.IsFinite(value)
            ? value
            : null;

    /// <summary>A Boolean, or <paramref name="otherwise"/> when absent or not a Boolean.</summary>
    public bool Flag(bool otherwise, params ReadOnlySpan<string> names) =>
        Find(names)?.ValueKind is (JsonValueKind.True or JsonValueKind.False) and var kind
            ? kind == JsonValueKind.True
            : otherwise;

    /// <summary>A string; empty when absent or not a string.</summary>
    public string Text(params ReadOnlySpan<string> names) =>
        Find(names) is { ValueKind: JsonValueKind.String } element ? element.GetString() ?? "" : "";

    /// <summary>An array of at most <paramref name="max"/> elements, or null when absent.</summary>
    public JsonElement? Array(int max, string name)
    {
        if (Find(name) is not { } element)
        {
            return null;
        }

        if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() <= max)
        {
            return element;
        }

        Refuse(ModelRefusalKind.BadField, name, $"{name} must be an array of at most {max} elements.");
        return null;
    }

    /// <summary>A list with one whole number per layer; null when absent or of another length.</summary>
    public long[]? PerLayer(int layers, string name)
    {
        if (
            Find(name) is not { ValueKind: JsonValueKind.Array } list
            || list.GetArrayLength() < layers
            || list.GetArrayLength() > 2 * layers
        )
        {
            return null;
        }

        return [.. list.EnumerateArray().Take(layers).Select(entry => TryWhole(entry, out var value) ? value : 0)];
    }

    public JsonElement? Object(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Object } element ? element : null;

    /// <summary>Fields of a nested object; null when absent.</summary>
    public ConfigFields? Nested(string name) => Object(name) is { } nested ? Within(nested) : null;

    /// <summary>Reads a nested object only, without the root.</summary>
    public static ConfigFields Within(JsonElement nested) => new(nested, nested);

    /// <summary>A whole number; accepts <c>4096.0</c>, which some serializers write.</summary>
    internal static bool TryWhole(JsonElement element, out long value)
    {
        value = 0;
        if (element.ValueKind != JsonValueKind.Number)
        {
            return false;
        }

        if (element.TryGetInt64(out value))
        {
            return true;
        }

        // 2^53: up to here a double represents every whole number exactly.
        if (!element.TryGetDouble(out var real) || Math.Abs(real) > 9007199254740992.0 || Math.Floor(real) < real)
        {
            return false;
        }

        value = (long)real;
        return true;
    }

    private JsonElement Largest(JsonElement list, string name)
    {
        var largest = list[0];
        var differs = false;
        foreach (var entry in list.EnumerateArray())
        {
            if (!TryWhole(entry, out var value) || !TryWhole(largest, out var best))
            {
                return entry;
            }

            differs |= value != best;
            largest = value > best ? entry : largest;
        }

        // Widths by layer are read where the layers are planned.
        if (differs && name is not "intermediate_size")
        {
            Doubt($"{name} differs by layer; the largest value is used for every layer");
        }

        return largest;
    }

    private static string Shown(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var real)
            ? real.ToString(CultureInfo.InvariantCulture)
            : $"of JSON type {element.ValueKind}";
}
