using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Holder of a serving name: the id of an instance or of a balancer (INV-11).</summary>
[GenerateSerializer, Immutable, Alias("scheduler.NameHolder")]
[JsonConverter(typeof(TextIdConverter<NameHolder>))]
public readonly record struct NameHolder([property: Id(0)] string Value) : ITextId<NameHolder>
{
    /// <summary>Prefix of every balancer id.</summary>
    public const string BalancerPrefix = "bal-";

    /// <summary>True for a balancer, false for an instance.</summary>
    [JsonIgnore]
    public bool IsBalancer => Value.StartsWith(BalancerPrefix, StringComparison.Ordinal);

    public static NameHolder From(string value) => new(value);

    public static NameHolder Of(InstanceId instance) => new(instance.Value);

    public override string ToString() => Value;
}
