namespace Scheduler.Domain.Instances;

/// <summary>What moves an instance from one state to another.</summary>
public enum InstanceTrigger
{
    /// <summary>A launch was asked for (by a caller, or by the scheduler itself when it re-routes).</summary>
    Start = 1,

    /// <summary>The three checks passed and an offer was chosen.</summary>
    OfferChosen = 2,

    /// <summary>One of the three checks failed.</summary>
    CheckFailed = 3,

    /// <summary>The provider gave capacity in time.</summary>
    Allocated = 4,

    /// <summary>The provider refused.</summary>
    ProviderRejected = 5,

    /// <summary>The wait for capacity, or for a healthy runtime, ended.</summary>
    DeadlinePassed = 6,

    /// <summary>The runtime answers its health check.</summary>
    Ready = 7,

    /// <summary>The runtime ended, or the provider holds the allocation no longer.</summary>
    RuntimeExited = 8,

    /// <summary>The runtime stopped answering without ending.</summary>
    RuntimeUnhealthy = 9,

    /// <summary>The provider took the capacity back.</summary>
    Preempted = 10,

    /// <summary>The account's money ran out.</summary>
    BalanceExhausted = 11,

    /// <summary>The end of the run was asked for.</summary>
    Stop = 12,

    /// <summary>Everything owed to the outside is confirmed: released and billed.</summary>
    Released = 13,

    /// <summary>Removal was asked for.</summary>
    Delete = 14,
}
