using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>One instance: <c>i-</c> and 20 lower-case base-32 characters. The prefix keeps it from ever reading as a hexadecimal number, which the AdoNet grain storage would fold together.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceId")]
[JsonConverter(typeof(TextIdConverter<InstanceId>))]
public readonly record struct InstanceId([property: Id(0)] string Value) : ITextId<InstanceId>
{
    /// <inheritdoc/>
    public static InstanceId From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
