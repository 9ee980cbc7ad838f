using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>
/// Idempotency key of one allocation attempt: <c>{instance}-r{run}-a{attempt}</c>. A provider that receives the same
/// key twice returns the same allocation.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationKey")]
[JsonConverter(typeof(TextIdConverter<AllocationKey>))]
public readonly record struct AllocationKey([property: Id(0)] string Value) : ITextId<AllocationKey>
{
    public static AllocationKey From(string value) => new(value);

    public override string ToString() => Value;
}
