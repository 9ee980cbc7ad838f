using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>The context of a decision; copied to its timeline event.</summary>
/// <param name="Now">Time of the scheduler's clock, whole milliseconds.</param>
/// <param name="Actor"><c>key:{id}</c>, <c>scheduler</c> or <c>provider:{id}</c>.</param>
public readonly record struct Cause(DateTimeOffset Now, RequestId RequestId, string Actor);
