using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Our idempotency key for one allocation attempt: <c>{instance}-r{run}-a{attempt}</c>. A provider that sees it twice gives the same allocation.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationKey")]
[JsonConverter(typeof(TextIdConverter<AllocationKey>))]
public readonly record struct AllocationKey([property: Id(0)] string Value) : ITextId<AllocationKey>
{
    /// <inheritdoc/>
    public static AllocationKey From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
