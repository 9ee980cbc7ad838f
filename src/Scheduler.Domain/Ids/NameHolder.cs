using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Holder of a serving name: the id of an instance, of a balancer or of a service (INV-11).</summary>
[GenerateSerializer, Immutable, Alias("scheduler.NameHolder")]
[JsonConverter(typeof(TextIdConverter<NameHolder>))]
public readonly record struct NameHolder([property: Id(0)] string Value) : ITextId<NameHolder>
{
    /// <summary>Prefix of every balancer id.</summary>
    public const string BalancerPrefix = "bal-";

    /// <summary>Prefix of every service id.</summary>
    public const string ServicePrefix = "svc-";

    [JsonIgnore]
    public bool IsBalancer => Value.StartsWith(BalancerPrefix, StringComparison.Ordinal);

    [JsonIgnore]
    public bool IsService => Value.StartsWith(ServicePrefix, StringComparison.Ordinal);

    [JsonIgnore]
    public bool IsInstance => !IsBalancer && !IsService;

    public static NameHolder From(string value) => new(value);

    public static NameHolder Of(InstanceId instance) => new(instance.Value);

    public override string ToString() => Value;
}
