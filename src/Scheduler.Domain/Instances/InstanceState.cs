namespace Scheduler.Domain.Instances;

/// <summary>The states of an instance. Stored by name; what each means and who leaves it: <see cref="InstanceLifecycle"/>.</summary>
public enum InstanceState
{
    /// <summary>Nothing allocated, nothing billed; also the state after create.</summary>
    Stopped = 0,

    /// <summary>Billing, compatibility, placement: in memory, within one grain turn; never stored.</summary>
    Checking = 1,

    /// <summary>The intent is durable and the provider is being asked.</summary>
    Provisioning = 2,

    /// <summary>Capacity is ours; the runtime boots and loads the model.</summary>
    Starting = 3,

    /// <summary>Serving; billed per second.</summary>
    Running = 4,

    /// <summary>Release is asked for until the provider confirms.</summary>
    Stopping = 5,

    /// <summary>A failure with its hint; nothing billed; release confirmed or pursued.</summary>
    Failed = 6,

    /// <summary>A tombstone; the serving name is free again.</summary>
    Deleted = 7,
}
