namespace Scheduler.Domain.Runtimes;

/// <param name="Path">Path below the runtime's endpoint, with a leading slash.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeTokenizer")]
public sealed record RuntimeTokenizer([property: Id(0)] string Path, [property: Id(1)] TokenizeShape Shape);
