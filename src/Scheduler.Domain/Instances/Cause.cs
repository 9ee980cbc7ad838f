using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>Under what something happens; copied onto its timeline event.</summary>
/// <param name="Now">When, on the scheduler's clock, whole milliseconds.</param>
/// <param name="RequestId">Under which request.</param>
/// <param name="Actor">Who: <c>key:{id}</c>, <c>scheduler</c>, <c>provider:{id}</c>.</param>
public readonly record struct Cause(DateTimeOffset Now, RequestId RequestId, string Actor);
