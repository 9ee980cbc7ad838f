using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Reserved money and its purpose.</summary>
/// <param name="Amount">The part that is not used up yet; more than zero.</param>
/// <param name="RequestId">The request that started the run.</param>
/// <param name="IsRunning">Whether the run is metered and uses the hold up; otherwise it is being launched.</param>
/// <param name="LapsesAt">When the hold of a launch ends by itself at the latest; null while the run is metered.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OpenHold")]
public sealed record OpenHold(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] MicroEuro Amount,
    [property: Id(3)] RequestId RequestId,
    [property: Id(4)] bool IsRunning,
    [property: Id(5)] DateTimeOffset? LapsesAt
);
