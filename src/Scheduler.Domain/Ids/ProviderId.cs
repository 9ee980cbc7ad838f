using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>Id of a provider as configured, for example <c>simulated</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderId")]
[JsonConverter(typeof(TextIdConverter<ProviderId>))]
public readonly record struct ProviderId([property: Id(0)] string Value) : ITextId<ProviderId>
{
    public static ProviderId From(string value) => new(value);

    public override string ToString() => Value;
}
