namespace Scheduler.Domain.Failures;

/// <summary>
/// What is known about one failure, typed. Each code has its own facts record; <see cref="FailureCatalogue"/> turns facts into
/// a <see cref="Failure"/>. Facts live in the slice that finds them out (placement facts in Placement, and so on).
/// </summary>
/// <param name="Code">Which failure these facts are about.</param>
public abstract record FailureFacts(FailureCode Code);
