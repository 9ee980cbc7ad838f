using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Orleans.Storage;
using Scheduler.Domain.Ids;

namespace Scheduler.Storage;

/// <summary>
/// Stored states as JSON: camelCase, enums by name, times as fixed-width UTC, null properties omitted. The SQL triggers
/// read the same JSON, so its shape is a contract (see the golden files of the tests).
/// </summary>
/// <remarks>
/// It uses reflection on purpose. Source-generated code sets every <c>init</c> property, so a property that is missing
/// from older JSON would become <c>default</c> instead of the record's own default. An unknown property is an error,
/// like a newer version: writing the state back would lose the property.
/// </remarks>
public sealed class StateSerializer : IGrainStorageSerializer
{
    public static JsonSerializerOptions Options { get; } = MakeOptions();

    /// <inheritdoc/>
    public BinaryData Serialize<T>(T? input) => new(WithoutNul(JsonSerializer.SerializeToUtf8Bytes(input, Options)));

    /// <inheritdoc/>
    /// <exception cref="UnreadableStateException">The JSON has a newer version or does not match the type.</exception>
    public T Deserialize<T>(BinaryData input) => Read<T>(input.ToMemory().Span);

    /// <exception cref="UnreadableStateException">The JSON has a newer version or does not match the type.</exception>
    internal static T Read<T>(ReadOnlySpan<byte> json)
    {
        int? version = null;
        try
        {
            version = PeekVersion(json);
            if (Known<T>.Version is { } known && version > known)
            {
                throw new UnreadableStateException(typeof(T).Name, null, version, $"this build reads up to {known}.");
            }

            return JsonSerializer.Deserialize<T>(json, Options)
                ?? throw new UnreadableStateException(typeof(T).Name, null, version, "it is JSON null.");
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            var where = exception is JsonException { Path: { } path } ? $" at {path}" : "";
            throw new UnreadableStateException(
                typeof(T).Name,
                null,
                version,
                $"it is not what this build writes{where}.",
                exception
            );
        }
    }

    /// <summary>Replaces U+0000, which PostgreSQL cannot store and runtime output may contain, with U+FFFD.</summary>
    private static byte[] WithoutNul(byte[] json)
    {
        var rest = json.AsSpan();
        while (rest.IndexOf("\\u0000"u8) is >= 0 and var at)
        {
            // After an odd number of backslashes the match is an escaped backslash followed by the text "u0000", not an
            // escape of U+0000.
            var before = rest[..at];
            var backslashes = before.Length - before.TrimEnd((byte)'\\').Length;
            if (backslashes % 2 == 0)
            {
                "\\uFFFD"u8.CopyTo(rest[at..]);
            }

            rest = rest[(at + 2)..];
        }

        return json;
    }

    /// <summary>Reads <c>schemaVersion</c>. States write it first, so this reads only the start of the JSON.</summary>
    private static int? PeekVersion(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals("schemaVersion"u8);
            reader.Read();
            if (found)
            {
                return reader.GetInt32();
            }

            reader.Skip();
        }

        return null;
    }

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            RespectNullableAnnotations = false,
            Converters =
            {
                new JsonStringEnumConverter(namingPolicy: null, allowIntegerValues: false),
                new UtcConverter(),
            },
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutUnset } },
        };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Omits an id or list that was never set (a struct that wraps null), like any other null.</summary>
    private static void LeaveOutUnset(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (IsTextId(property.PropertyType))
            {
                property.ShouldSerialize = static (_, value) => value?.ToString() is not null;
            }
            else if (IsImmutableArray(property.PropertyType))
            {
                // A default array equals only other default arrays.
                var unset = Activator.CreateInstance(property.PropertyType)!;
                property.ShouldSerialize = (_, value) => !unset.Equals(value);
            }
        }
    }

    private static bool IsTextId(Type type) =>
        type.IsValueType
        && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(ITextId<>));

    private static bool IsImmutableArray(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>);

    private static class Known<T>
    {
        /// <summary>The version that this build writes for the type; null for a type without a version.</summary>
        public static readonly int? Version =
            typeof(T).GetField("CurrentSchemaVersion", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue()
            as int?;
    }

    private sealed class UtcConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(
            ref Utf8JsonReader reader,
            Type typeToConvert,
            JsonSerializerOptions options
        ) => UtcText.Parse(reader.GetString() ?? throw new JsonException("A time must be a string."));

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(UtcText.Format(value));
    }
}
