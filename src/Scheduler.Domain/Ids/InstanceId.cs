using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>
/// Id of an instance: <c>i-</c> and 20 lower-case base-32 characters. Because of the prefix, no id parses as a
/// hexadecimal number; the AdoNet grain storage would treat two such ids as one.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceId")]
[JsonConverter(typeof(TextIdConverter<InstanceId>))]
public readonly record struct InstanceId([property: Id(0)] string Value) : ITextId<InstanceId>
{
    public static InstanceId From(string value) => new(value);

    public override string ToString() => Value;
}
