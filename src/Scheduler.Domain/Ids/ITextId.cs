using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>An id that travels as plain text: in JSON, in SQL, in a URL. Distinct ids are distinct types.</summary>
/// <typeparam name="TSelf">The id itself.</typeparam>
public interface ITextId<TSelf>
    where TSelf : struct, ITextId<TSelf>
{
    /// <summary>The text, exactly as it is stored and shown.</summary>
    string Value { get; }

    /// <summary>Wraps a text that is already known to be well formed (read from our own store).</summary>
    /// <param name="value">The text.</param>
    static abstract TSelf From(string value);
}

/// <summary>Writes an <see cref="ITextId{TSelf}"/> as a JSON string.</summary>
/// <typeparam name="T">The id type.</typeparam>
public sealed class TextIdConverter<T> : JsonConverter<T>
    where T : struct, ITextId<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        T.From(reader.GetString() ?? throw new JsonException($"{typeof(T).Name} must be a string."));

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.Value);
    }
}
