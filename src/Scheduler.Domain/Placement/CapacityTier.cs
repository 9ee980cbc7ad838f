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

/// <summary>Tiers as people read them, and as facts name them.</summary>
internal static class CapacityTierWords
{
    /// <summary>The tier in one lower-case word.</summary>
    /// <param name="tier">The tier.</param>
    public static string Word(this CapacityTier tier) =>
        tier switch
        {
            CapacityTier.Community => "community",
            CapacityTier.Standard => "standard",
            CapacityTier.Dedicated => "dedicated",
            _ => "unknown",
        };

    /// <summary>The tier of a word; null when it is none of them.</summary>
    /// <param name="word">As <see cref="Word"/> writes it.</param>
    public static CapacityTier? Read(string word) =>
        word switch
        {
            "community" => CapacityTier.Community,
            "standard" => CapacityTier.Standard,
            "dedicated" => CapacityTier.Dedicated,
            _ => null,
        };
}
