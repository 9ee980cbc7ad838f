using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Reserves money for one run before its provider is called. Replaces the hold that the same run has already.</summary>
/// <param name="LapsesAt">When the hold ends by itself, in case the launch is never recorded.</param>
/// <param name="ProvisionalClose">
/// Closes the previous run in the same write, because an instance has at most one open run; null when none is open. The close is
/// provisional, see <see cref="InstanceTab"/>: the instance records the end of that run only after the hold is taken.
/// </param>
[GenerateSerializer, Immutable, Alias("scheduler.TakeHold")]
public sealed record TakeHold(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] int Run,
    [property: Id(2)] MicroEuro Amount,
    [property: Id(3)] DateTimeOffset LapsesAt,
    [property: Id(4)] RequestId RequestId,
    [property: Id(5)] CloseRun? ProvisionalClose = null
);
