using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Id of a balancer: <c>bal-</c> and 20 lower-case base-32 characters.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerId")]
[JsonConverter(typeof(TextIdConverter<BalancerId>))]
public readonly record struct BalancerId([property: Id(0)] string Value) : ITextId<BalancerId>
{
    public static BalancerId From(string value) => new(value);

    public override string ToString() => Value;
}
