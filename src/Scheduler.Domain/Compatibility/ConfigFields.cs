using System.Globalization;
using System.Text.Json;

namespace Scheduler.Domain.Compatibility;

/// <summary>
/// Reads the fields of one <c>config.json</c>: first in the language model's own part (<c>text_config</c>), then at the root. The
/// first fault is kept and every later question is answered with a harmless number, so that callers read straight on and ask once.
/// </summary>
internal sealed class ConfigFields(JsonElement root, JsonElement text)
{
    private readonly JsonElement _root = root;
    private readonly JsonElement _text = text;

    /// <summary>The first fault met, or null.</summary>
    public ModelRefusal? Fault { get; private set; }

    /// <summary>Keeps a fault, unless there was one before.</summary>
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

    /// <summary>A whole number from 1 to <paramref name="max"/>; absence is a fault, and then it is 1.</summary>
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

    /// <summary>A whole number from 0 to <paramref name="max"/>, or null when absent.</summary>
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

    /// <summary>A truth value, or <paramref name="otherwise"/> when absent or not a truth value.</summary>
    public bool Flag(bool otherwise, params ReadOnlySpan<string> names) =>
        Find(names)?.ValueKind is { } kind
            && (kind is JsonValueKind.True || (kind is not JsonValueKind.False && otherwise))
        || (otherwise && Find(names) is null);

    /// <summary>A text, or the empty one.</summary>
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

    /// <summary>A nested object, or null when absent.</summary>
    public JsonElement? Object(string name) =>
        Find(name) is { ValueKind: JsonValueKind.Object } element ? element : null;

    /// <summary>The fields of a nested object, alone.</summary>
    public static ConfigFields Within(JsonElement nested) => new(nested, nested);

    /// <summary>A whole number, also where a serializer wrote it as <c>4096.0</c>.</summary>
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

        // 2^53: up to there a double names each whole number.
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
