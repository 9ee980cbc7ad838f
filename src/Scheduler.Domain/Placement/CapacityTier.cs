namespace Scheduler.Domain.Placement;

/// <summary>How much the capacity can be relied on, worst first; a constraint names the lowest tier it accepts.</summary>
public enum CapacityTier
{
    /// <summary>Hosts of strangers in a marketplace.</summary>
    Community = 1,

    /// <summary>A provider's own data centre, shared capacity.</summary>
    Standard = 2,

    /// <summary>Reserved or dedicated capacity.</summary>
    Dedicated = 3,
}
