using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>
/// Ends a run: bills it to its end and returns the rest of its hold. Names the whole run, so that the bill is right even when the
/// command to start the meter was lost.
/// </summary>
/// <param name="Since">Start of <c>running</c>; null when the run never got that far: only its hold is returned.</param>
/// <param name="Until">End of <c>running</c>; null when it never ran.</param>
/// <param name="PricePerHour">Price snapshot of the run.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CloseRun")]
public sealed record CloseRun(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] DateTimeOffset? Since,
    [property: Id(3)] DateTimeOffset? Until,
    [property: Id(4)] MicroEuro PricePerHour,
    [property: Id(5)] RequestId RequestId
);
