namespace Scheduler.Domain.Instances;

/// <summary>The triggers of state transitions.</summary>
public enum InstanceTrigger
{
    /// <summary>A launch was requested (by a caller, or by the scheduler when it re-routes).</summary>
    Start = 1,

    /// <summary>The three checks passed and an offer was chosen.</summary>
    OfferChosen = 2,

    /// <summary>One of the three checks failed.</summary>
    CheckFailed = 3,

    /// <summary>The provider gave capacity before the deadline.</summary>
    Allocated = 4,

    /// <summary>The provider refused the allocation.</summary>
    ProviderRejected = 5,

    /// <summary>The maximum wait for capacity, or for a healthy runtime, ended.</summary>
    DeadlinePassed = 6,

    /// <summary>The runtime passes its health check.</summary>
    Ready = 7,

    /// <summary>The runtime exited, or the provider no longer has the allocation.</summary>
    RuntimeExited = 8,

    /// <summary>The runtime stopped answering but did not exit.</summary>
    RuntimeUnhealthy = 9,

    /// <summary>The provider took the capacity back.</summary>
    Preempted = 10,

    /// <summary>The account's balance is exhausted.</summary>
    BalanceExhausted = 11,

    /// <summary>A stop was requested.</summary>
    Stop = 12,

    /// <summary>All pending cleanup is confirmed: released and billed.</summary>
    Released = 13,

    /// <summary>A delete was requested.</summary>
    Delete = 14,
}
