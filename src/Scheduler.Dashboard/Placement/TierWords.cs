using Scheduler.Domain.Placement;

namespace Scheduler.Dashboard.Placement;

/// <summary>Capacity tiers as they are written: in lower case.</summary>
internal static class TierWords
{
    private static readonly Dictionary<CapacityTier, string> Words = Enum.GetValues<CapacityTier>()
        .ToDictionary(tier => tier, tier => tier.ToString().ToLowerInvariant());

    public static string Word(this CapacityTier tier) => Words[tier];

    /// <summary>The tier of a word; false for none or another.</summary>
    public static bool TryParse(string? word, out CapacityTier tier) =>
        Enum.TryParse(word, ignoreCase: true, out tier) && Words.GetValueOrDefault(tier) == word;
}
