using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>An id stored and sent as plain text in JSON, SQL and URLs. Each kind of id has its own type.</summary>
public interface ITextId<TSelf>
    where TSelf : struct, ITextId<TSelf>
{
    /// <summary>The text, exactly as it is stored and shown.</summary>
    string Value { get; }

    /// <summary>Wraps a text that is known to be well formed, for example from storage. Does not validate.</summary>
    static abstract TSelf From(string value);
}

/// <summary>Writes an <see cref="ITextId{TSelf}"/> as a JSON string.</summary>
public sealed class TextIdConverter<T> : JsonConverter<T>
    where T : struct, ITextId<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        T.From(reader.GetString() ?? throw new JsonException($"{typeof(T).Name} must be a string."));

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
