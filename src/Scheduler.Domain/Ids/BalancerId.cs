using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>One balancer: <c>bal-</c> and 20 lower-case base-32 characters.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerId")]
[JsonConverter(typeof(TextIdConverter<BalancerId>))]
public readonly record struct BalancerId([property: Id(0)] string Value) : ITextId<BalancerId>
{
    /// <inheritdoc/>
    public static BalancerId From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
