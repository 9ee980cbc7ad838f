using Scheduler.Domain.Placement;

namespace Scheduler.Dashboard.Placement;

/// <summary>Names of capacity tiers in lower case.</summary>
internal static class TierWords
{
    private static readonly Dictionary<CapacityTier, string> Words = Enum.GetValues<CapacityTier>()
        .ToDictionary(tier => tier, tier => tier.ToString().ToLowerInvariant());

    public static string Word(this CapacityTier tier) => Words[tier];

    /// <summary>Parses a lower-case name; false for any other text.</summary>
    public static bool TryParse(string? word, out CapacityTier tier) =>
        Enum.TryParse(word, ignoreCase: true, out tier) && Words.GetValueOrDefault(tier) == word;
}
