namespace Scheduler.Domain.Instances;

/// <summary>The states of an instance. Stored by name. README.md in this folder explains each.</summary>
public enum InstanceState
{
    /// <summary>Nothing allocated, nothing billed; also the state after create.</summary>
    Stopped = 0,

    /// <summary>Billing, compatibility and placement checks, in memory within one grain turn; never stored.</summary>
    Checking = 1,

    /// <summary>The intent is stored; the instance waits for the provider.</summary>
    Provisioning = 2,

    /// <summary>The capacity is allocated; the runtime boots and loads the model.</summary>
    Starting = 3,

    /// <summary>Serving; billed per second.</summary>
    Running = 4,

    /// <summary>The release is requested until the provider confirms it.</summary>
    Stopping = 5,

    /// <summary>The failure is stored with its hint; nothing is billed; release is confirmed or retried.</summary>
    Failed = 6,

    /// <summary>A tombstone; the serving name is free again.</summary>
    Deleted = 7,

    /// <summary>No capacity was available; the instance waits for some, with nothing allocated and no money held.</summary>
    Waiting = 8,
}
