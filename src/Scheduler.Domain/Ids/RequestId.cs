using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>The <c>X-Request-Id</c> of a request. The server creates it; it is unique.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RequestId")]
[JsonConverter(typeof(TextIdConverter<RequestId>))]
public readonly record struct RequestId([property: Id(0)] string Value) : ITextId<RequestId>
{
    public static RequestId From(string value) => new(value);

    public override string ToString() => Value;
}
