namespace Scheduler.Domain.Runtimes;

/// <summary>Where and how a runtime's own tokenizer is asked.</summary>
/// <param name="Path">Below the runtime's endpoint, beginning with a slash.</param>
/// <param name="Shape">Which request and answer it speaks.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeTokenizer")]
public sealed record RuntimeTokenizer([property: Id(0)] string Path, [property: Id(1)] TokenizeShape Shape);
