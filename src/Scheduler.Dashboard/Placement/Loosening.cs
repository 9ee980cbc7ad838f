using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Placement;
using Scheduler.Grains.Instances;

namespace Scheduler.Dashboard.Placement;

/// <summary>Applies the changes that an explanation proposes.</summary>
internal static class Loosening
{
    /// <summary>The constraints with all changes applied; unknown constraints stay unchanged.</summary>
    /// <param name="changes">One per constraint, by wire name, with the new value or the value to add to a
    /// list.</param>
    public static SmartConstraints Loosened(
        this SmartConstraints constraints,
        ImmutableArray<RelaxedConstraint> changes
    ) => changes.Aggregate(constraints, Loosen);

    private static SmartConstraints Loosen(SmartConstraints asked, RelaxedConstraint change) =>
        change.Constraint switch
        {
            "spot" => asked with { SpotAllowed = true },
            "encrypted_path" => asked with { RequireEncryptedPath = false },
            "capacity_tier" when TierWords.TryParse(change.To, out var tier) => asked with { MinimumTier = tier },
            "max_price" when EuroText.TryParse(change.To, out var price) => asked with { MaxPricePerHour = price },
            "providers" => asked with { Providers = asked.Providers.Add(change.To) },
            "gpu_type" => asked with { GpuType = change.To },
            "gpu_count" when int.TryParse(change.To, NumberStyles.None, CultureInfo.InvariantCulture, out var count) =>
                asked with
                {
                    GpuCount = count,
                },
            "regions" => asked with { Regions = asked.Regions.Add(change.To) },
            _ => asked,
        };
}
