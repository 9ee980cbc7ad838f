using System.Globalization;
using System.Text.Json;

namespace Scheduler.ModelFit;

/// <summary>
/// Reads the fields of one <c>config.json</c>, first from the language model's part (<c>text_config</c>), then from the
/// root. Records only the first error. After an error every read still returns a harmless number, so that callers check
/// <see cref="Fault"/> once at the end.
/// </summary>
internal sealed class ConfigFields(JsonElement root, JsonElement text)
{
    private readonly JsonElement _root = root;
    private readonly JsonElement _text = text;

    public ModelRefusal? Fault { get; private set; }

    public void Refuse(ModelRefusalKind kind, string field, string message) => Fault ??= new(kind, field, message);

    /// <summary>The first of <paramref name="names"/> that is present and not null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (
                (_text.TryGetProperty(name, out var value) || _root.TryGetProperty(name, out value))
                && value.ValueKind != JsonValueKind.Null
            )
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
    /// error is recorded and null returned.
    /// </summary>
    public long? Number(long min, long max, params ReadOnlySpan<string> names)
    {
        if (Find(names) is not { } element)
        {
            return null;
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

    /// <summary>A Boolean, or <paramref name="otherwise"/> when absent or not a Boolean.</summary>
    public bool Flag(bool otherwise, params ReadOnlySpan<string> names) =>
        Find(names)?.ValueKind is { } kind
            && (kind is JsonValueKind.True || (kind is not JsonValueKind.False && otherwise))
        || (otherwise && Find(names) is null);

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

    public JsonElement? Object(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Object } element ? element : null;

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

    private static string Shown(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out var real)
            ? real.ToString(CultureInfo.InvariantCulture)
            : $"of JSON type {element.ValueKind}";
}
