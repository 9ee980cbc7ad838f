using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Starts the meter of a run; from then on the run uses up its hold.</summary>
/// <param name="Since">Start of <c>running</c>.</param>
/// <param name="PricePerHour">Price snapshot of the run.</param>
[GenerateSerializer, Immutable, Alias("scheduler.StartMeter")]
public sealed record StartMeter(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] DateTimeOffset Since,
    [property: Id(3)] MicroEuro PricePerHour,
    [property: Id(4)] RequestId RequestId
);
