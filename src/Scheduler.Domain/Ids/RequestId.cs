using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>The <c>X-Request-Id</c> under which something happened; made by the server, unique.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RequestId")]
[JsonConverter(typeof(TextIdConverter<RequestId>))]
public readonly record struct RequestId([property: Id(0)] string Value) : ITextId<RequestId>
{
    /// <inheritdoc/>
    public static RequestId From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
