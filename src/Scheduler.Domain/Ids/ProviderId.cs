using System.Text.Json.Serialization;

namespace Scheduler.Domain.Ids;

/// <summary>One provider as configured, for example <c>simulated</c>.</summary>
/// <param name="Value">The text, as stored and shown.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderId")]
[JsonConverter(typeof(TextIdConverter<ProviderId>))]
public readonly record struct ProviderId([property: Id(0)] string Value) : ITextId<ProviderId>
{
    /// <inheritdoc/>
    public static ProviderId From(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
