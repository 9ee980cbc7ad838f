namespace Scheduler.Domain.Instances;

public enum InstanceTrigger
{
    /// <summary>A launch was requested (by a caller, or by the scheduler when it re-routes).</summary>
    Start = 1,

    /// <summary>The three checks passed and an offer was chosen.</summary>
    OfferChosen = 2,

    CheckFailed = 3,

    Allocated = 4,

    ProviderRejected = 5,

    /// <summary>The maximum wait for capacity, or for a healthy runtime, ended.</summary>
    DeadlinePassed = 6,

    /// <summary>The runtime passes its health check.</summary>
    Ready = 7,

    /// <summary>The runtime exited, or the provider no longer has the allocation.</summary>
    RuntimeExited = 8,

    /// <summary>The runtime stopped answering but did not exit.</summary>
    RuntimeUnhealthy = 9,

    Preempted = 10,

    BalanceExhausted = 11,

    Stop = 12,

    /// <summary>All pending cleanup is confirmed: released and billed.</summary>
    Released = 13,

    Delete = 14,

    /// <summary>A refusal that only time can cure, of a launch that waits for capacity.</summary>
    NoCapacity = 15,

    /// <summary>An offer that the waiting launch can use appeared.</summary>
    CapacityAppeared = 16,

    /// <summary>The longest wait for capacity to appear ended.</summary>
    WaitEnded = 17,
}
