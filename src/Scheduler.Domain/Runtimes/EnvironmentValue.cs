using System.Text.Json.Serialization;

namespace Scheduler.Domain.Runtimes;

/// <summary>The value of an environment variable in a launch spec: a text, or the name of a secret of the account.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.EnvironmentValue")]
public sealed record EnvironmentValue
{
    /// <summary>Null for a secret.</summary>
    [Id(0)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Value { get; init; }

    /// <summary>Name of the secret; null for a text. Its value is read when capacity is asked for, and is not stored with the instance.</summary>
    [Id(1)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Secret { get; init; }
}
