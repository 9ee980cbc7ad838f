using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Scheduler.Edge;
using Scheduler.Grains.Health;

namespace Scheduler.Api.Health;

/// <param name="Age">Time since the checks started.</param>
internal sealed record HealthReport(ImmutableArray<HealthLine> Lines, TimeSpan Age)
{
    public bool IsOk => Lines.All(line => line.IsOk);

    /// <summary><c>{"status":"ready","version":"0.1.0","checks":{"store":{"state":"ok","age_ms":12,"says":"…"}}}</c></summary>
    public byte[] ToJson(string good, string bad)
    {
        var age = (long)Age.TotalMilliseconds;
        var body = new Body(
            IsOk ? good : bad,
            ProductVersion.Number,
            Lines.ToDictionary(
                line => line.Name,
                line => new Check(line.IsOk ? "ok" : "failing", age, line.Finding),
                StringComparer.Ordinal
            )
        );
        return JsonSerializer.SerializeToUtf8Bytes(body, HealthJson.Default.Body);
    }

    internal sealed record Body(string Status, string Version, Dictionary<string, Check> Checks);

    internal sealed record Check(string State, long AgeMs, string Says);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthReport.Body))]
internal sealed partial class HealthJson : JsonSerializerContext;
