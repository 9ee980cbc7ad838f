using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Id of a service: <c>svc-</c> and 20 lower-case base-32 characters.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceId")]
[JsonConverter(typeof(TextIdConverter<ServiceId>))]
public readonly record struct ServiceId([property: Id(0)] string Value) : ITextId<ServiceId>
{
    public static ServiceId From(string value) => new(value);

    public override string ToString() => Value;
}
