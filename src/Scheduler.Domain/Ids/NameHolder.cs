using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Who holds a serving name: an instance (<c>i-…</c>) or a balancer (<c>bal-…</c>), by its id (INV-11).</summary>
/// <param name="Value">The holder's id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.NameHolder")]
[JsonConverter(typeof(TextIdConverter<NameHolder>))]
public readonly record struct NameHolder([property: Id(0)] string Value) : ITextId<NameHolder>
{
    /// <summary>What the id of every balancer begins with.</summary>
    public const string BalancerPrefix = "bal-";

    /// <summary>Whether it is a balancer; an instance otherwise.</summary>
    [JsonIgnore]
    public bool IsBalancer => Value.StartsWith(BalancerPrefix, StringComparison.Ordinal);

    /// <inheritdoc/>
    public static NameHolder From(string value) => new(value);

    /// <summary>An instance as the holder of a name.</summary>
    /// <param name="instance">Which.</param>
    public static NameHolder Of(InstanceId instance) => new(instance.Value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
