using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>Validates a JSON body against a message descriptor and copies the valid part.</summary>
/// <param name="faults">Gets the validation errors.</param>
/// <param name="writer">Gets the valid part.</param>
/// <param name="inPath">Top-level fields that the URL contains; the body must not repeat them.</param>
internal sealed class StrictJson(Faults faults, Utf8JsonWriter writer, IReadOnlySet<string> inPath)
{
    private const long LongestDuration = 10_000_000_000;

    /// <summary>Finds a field by its JSON name or proto name; null if there is none.</summary>
    public static FieldDescriptor? FindField(MessageDescriptor message, string name) =>
        message
            .Fields.InDeclarationOrder()
            .FirstOrDefault(f =>
                string.Equals(f.JsonName, name, StringComparison.Ordinal)
                || string.Equals(f.Name, name, StringComparison.Ordinal)
            );

    /// <summary>Description of the accepted values, for error messages.</summary>
    public static string Expected(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.String => "a string",
            FieldType.Bytes => "a base64 string",
            FieldType.Bool => "true or false",
            FieldType.Int32 => "a whole number of 32 bits",
            FieldType.Int64 => "a whole number of 64 bits",
            FieldType.Double => "a finite number",
            FieldType.Enum => "one of "
                + string.Join(", ", field.EnumType.Values.Where(v => v.Number != 0).Select(v => v.Name)),
            FieldType.Message => field.MessageType.FullName switch
            {
                "google.protobuf.Timestamp" => "an RFC 3339 time such as \"2025-01-31T12:00:00Z\"",
                "google.protobuf.Duration" => "seconds such as \"90s\" or \"1.5s\"",
                "google.protobuf.FieldMask" => "comma-separated field paths such as \"spec.contextTokens,labels\"",
                _ => "an object",
            },
            _ => "something this server does not take",
        };

    public void Message(JsonElement json, MessageDescriptor message, string path)
    {
        writer.WriteStartObject();
        if (json.ValueKind != JsonValueKind.Object)
        {
            faults.Add(path.Length > 0 ? path : "body", "Must be an object.");
            writer.WriteEndObject();
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in json.EnumerateObject())
        {
            Property(property, message, path, seen);
        }

        writer.WriteEndObject();
    }

    private static string Join(string path, string name) => path.Length > 0 ? $"{path}.{name}" : name;

    private void Property(JsonProperty property, MessageDescriptor message, string path, HashSet<string> seen)
    {
        var name = TextOf(() => property.Name) ?? "?";
        var field = FindField(message, name);
        if (field is null)
        {
            faults.Add(Join(path, StrictRequest.Shown(name)), "Unknown field.");
            return;
        }

        var fieldPath = Join(path, field.Name);
        if (path.Length == 0 && inPath.Contains(field.Name))
        {
            faults.Add(fieldPath, "Is given by the URL; leave it out of the body.");
        }
        else if (!seen.Add(field.Name))
        {
            faults.Add(fieldPath, "Given more than once.");
        }
        else if (
            field.RealContainingOneof?.Fields.FirstOrDefault(f => f != field && seen.Contains(f.Name)) is { } other
        )
        {
            faults.Add(fieldPath, $"Excludes `{other.Name}`; give one of them.");
        }
        else if (property.Value.ValueKind != JsonValueKind.Null)
        {
            Field(property.Value, field, fieldPath);
        }
    }

    private void Field(JsonElement json, FieldDescriptor field, string path)
    {
        if (field.IsMap)
        {
            Map(json, field, path);
        }
        else if (field.IsRepeated)
        {
            List(json, field, path);
        }
        else if (IsNested(field))
        {
            writer.WritePropertyName(field.JsonName);
            Message(json, field.MessageType, path);
        }
        else if (IsTyped(json, field))
        {
            writer.WritePropertyName(field.JsonName);
            json.WriteTo(writer);
        }
        else
        {
            faults.Add(path, $"Must be {Expected(field)}.");
        }
    }

    private void Map(JsonElement json, FieldDescriptor field, string path)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            faults.Add(path, "Must be an object.");
            return;
        }

        var value = field.MessageType.FindFieldByNumber(2);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        writer.WriteStartObject(field.JsonName);
        foreach (var entry in json.EnumerateObject())
        {
            var key = TextOf(() => entry.Name);
            var entryPath = $"{path}[{StrictRequest.Shown(key ?? "?")}]";
            if (key is null || !(IsNested(value) || IsTyped(entry.Value, value)))
            {
                faults.Add(entryPath, $"Must be {Expected(value)}.");
            }
            else if (!seen.Add(key))
            {
                faults.Add(entryPath, "Given more than once.");
            }
            else if (IsNested(value))
            {
                writer.WritePropertyName(key);
                Message(entry.Value, value.MessageType, entryPath);
            }
            else
            {
                writer.WritePropertyName(key);
                entry.Value.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    private void List(JsonElement json, FieldDescriptor field, string path)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            faults.Add(path, "Must be an array.");
            return;
        }

        writer.WriteStartArray(field.JsonName);
        var index = 0;
        foreach (var item in json.EnumerateArray())
        {
            var itemPath = $"{path}[{index++}]";
            if (IsNested(field))
            {
                Message(item, field.MessageType, itemPath);
            }
            else if (IsTyped(item, field))
            {
                item.WriteTo(writer);
            }
            else
            {
                faults.Add(itemPath, $"Must be {Expected(field)}.");
            }
        }

        writer.WriteEndArray();
    }

    private static bool IsNested(FieldDescriptor field) =>
        field.FieldType == FieldType.Message
        && !field.MessageType.FullName.StartsWith("google.protobuf.", StringComparison.Ordinal);

    private static bool IsTyped(JsonElement json, FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.String => json.ValueKind == JsonValueKind.String && TextOf(json.GetString) is not null,
            FieldType.Bytes => json.ValueKind == JsonValueKind.String && IsBase64(json),
            FieldType.Bool => json.ValueKind is JsonValueKind.True or JsonValueKind.False,
            FieldType.Int32 => json.ValueKind == JsonValueKind.Number
                ? json.TryGetInt32(out _)
                : IsWholeText(json, int.MinValue, int.MaxValue),
            FieldType.Int64 => json.ValueKind == JsonValueKind.Number
                ? json.TryGetInt64(out _)
                : IsWholeText(json, long.MinValue, long.MaxValue),
            FieldType.Double => json.ValueKind == JsonValueKind.Number
                && json.TryGetDouble(out var number)
                && double.IsFinite(number),
            FieldType.Enum => IsEnum(json, field.EnumType),
            FieldType.Message => IsWellKnown(json, field.MessageType),
            _ => false,
        };

    /// <summary>Does not decode the value to a string first: a model file has up to 16 MiB.</summary>
    private static bool IsBase64(JsonElement json)
    {
        try
        {
            return json.TryGetBytesFromBase64(out _);
        }
        catch (InvalidOperationException)
        {
            // An invalid UTF-16 escape.
            return false;
        }
    }

    private static bool IsWholeText(JsonElement json, long least, long most) =>
        json.ValueKind == JsonValueKind.String
        && long.TryParse(
            TextOf(json.GetString),
            System.Globalization.NumberStyles.AllowLeadingSign,
            System.Globalization.CultureInfo.InvariantCulture,
            out var number
        )
        && number >= least
        && number <= most;

    private static bool IsEnum(JsonElement json, EnumDescriptor type) =>
        json.ValueKind == JsonValueKind.String
            ? TextOf(json.GetString) is { } name && type.FindValueByName(name) is not null
            : json.ValueKind == JsonValueKind.Number
                && json.TryGetInt32(out var number)
                && type.FindValueByNumber(number) is not null;

    private static bool IsWellKnown(JsonElement json, MessageDescriptor type)
    {
        if (json.ValueKind != JsonValueKind.String || TextOf(json.GetString) is null)
        {
            return false;
        }

        try
        {
            // Transcoding accepts a smaller range of durations than the protocol does. No setting needs centuries.
            return JsonParser.Default.Parse(json.GetRawText(), type)
                is not Duration { Seconds: > LongestDuration or < -LongestDuration };
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    /// <summary>Null if the bytes are not valid Unicode text.</summary>
    private static string? TextOf(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
