namespace Scheduler.Domain.Placement;

/// <summary>Reliability of the capacity, lowest first. A constraint names the lowest tier it accepts.</summary>
public enum CapacityTier
{
    /// <summary>A marketplace of independent hosts.</summary>
    Community = 1,

    /// <summary>Shared capacity in the provider's own data centre.</summary>
    Standard = 2,

    /// <summary>Reserved or dedicated capacity.</summary>
    Dedicated = 3,
}

internal static class CapacityTierWords
{
    public static string Word(this CapacityTier tier) =>
        tier switch
        {
            CapacityTier.Community => "community",
            CapacityTier.Standard => "standard",
            CapacityTier.Dedicated => "dedicated",
            _ => "unknown",
        };

    /// <summary>Parses what <see cref="Word"/> writes; null when the word names no tier.</summary>
    public static CapacityTier? Read(string word) =>
        word switch
        {
            "community" => CapacityTier.Community,
            "standard" => CapacityTier.Standard,
            "dedicated" => CapacityTier.Dedicated,
            _ => null,
        };
}
