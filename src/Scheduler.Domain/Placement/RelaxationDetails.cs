using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Relaxations as details of a failure: one value per edit, named like the spec's field with its unit. The values stand
/// beside the text, and <see cref="Follow"/> parses and applies them. Writer and parser are both here so that they stay
/// consistent.
/// </summary>
internal static class RelaxationDetails
{
    /// <summary>
    /// The number of relaxations with values, lower than the number of instructions as text. gRPC sends the details in trailers, whose
    /// size is limited, and callers rarely choose a relaxation after the first few.
    /// </summary>
    public const int Most = 8;

    /// <summary>Names the constraints of <see cref="Relaxation.Leaves"/>; absent when it keeps what is named.</summary>
    public const string Leaves = "leaves";

    /// <summary>Of a region or GPU type name, characters.</summary>
    private const int LongestWord = 64;

    /// <summary>Characters.</summary>
    private const int LongestProviderId = 63;

    /// <summary>Applies each named value to the constraints; null when the value is invalid.</summary>
    private static readonly ImmutableArray<(
        string Name,
        Func<SmartConstraints, string, SmartConstraints?> Follow
    )> Values =
    [
        ("max_price_per_hour_micro_eur", RaisePrice),
        ("add_region", AddRegion),
        ("minimum_tier", LowerTier),
        ("spot_allowed", AllowSpot),
        ("require_encrypted_path", AcceptAnyPath),
        ("gpu_type", TakeGpuType),
        ("gpu_count", TakeGpuCount),
        ("add_provider", AddProvider),
    ];

    /// <summary>Prefix of the names of one relaxation's values; <paramref name="number"/> counts from 1.</summary>
    public static string Prefix(int number) => string.Create(CultureInfo.InvariantCulture, $"relaxation_{number}_");

    public static IEnumerable<KeyValuePair<string, string>> Of(ImmutableArray<Relaxation> relaxations) =>
        relaxations.Take(Most).SelectMany((relaxation, i) => Of(Prefix(i + 1), relaxation));

    /// <summary>Each value to set or add, the price of the best offer that results, and what the change leaves.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Of(string prefix, Relaxation relaxation) =>
        relaxation
            .Edits.Select(edit => Of(edit, relaxation.Loosened))
            .Append(("best_price_per_hour_micro_eur", Text(relaxation.Best.PricePerHour)))
            .Concat(relaxation.Leaves.IsEmpty ? [] : [(Leaves, string.Join(',', relaxation.Leaves))])
            .Select(value => KeyValuePair.Create(prefix + value.Item1, value.Item2));

    /// <summary>Applies the values under a prefix; an edit that is no longer needed changes nothing.</summary>
    /// <returns>The loosened constraints; null when the prefix has no value, or any value is invalid.</returns>
    public static SmartConstraints? Follow(
        ImmutableSortedDictionary<string, string> details,
        string prefix,
        SmartConstraints asked
    )
    {
        var loosened = asked;
        var found = false;
        foreach (var (name, follow) in Values)
        {
            if (!details.TryGetValue(prefix + name, out var text))
            {
                continue;
            }

            if (follow(loosened, text) is not { } next)
            {
                return null;
            }

            (loosened, found) = (next, true);
        }

        return found ? loosened : null;
    }

    private static (string, string) Of(ConstraintEdit edit, SmartConstraints loosened) =>
        edit.Constraint switch
        {
            "max_price" => ("max_price_per_hour_micro_eur", Text(loosened.MaxPricePerHour ?? MicroEuro.Zero)),
            "regions" => ("add_region", edit.To),
            "capacity_tier" => ("minimum_tier", edit.To),
            "spot" => ("spot_allowed", "true"),
            "encrypted_path" => ("require_encrypted_path", "false"),
            "providers" => ("add_provider", edit.To),
            var same => (same, edit.To),
        };

    private static string Text(MicroEuro amount) => amount.Value.ToString(CultureInfo.InvariantCulture);

    private static SmartConstraints? RaisePrice(SmartConstraints asked, string text) =>
        FailureDetails.Number(text, 0, long.MaxValue) is not { } price ? null
        : asked.MaxPricePerHour is { } most && most.Value < price
            ? asked with
            {
                MaxPricePerHour = new MicroEuro(price),
            }
        : asked;

    private static SmartConstraints? AddRegion(SmartConstraints asked, string region) =>
        IsWord(region) && Added(asked.Regions, region) is { } regions ? asked with { Regions = regions } : null;

    private static SmartConstraints? LowerTier(SmartConstraints asked, string word) =>
        CapacityTierWords.Read(word) is not { } tier ? null
        : asked.MinimumTier > tier ? asked with { MinimumTier = tier }
        : asked;

    private static SmartConstraints? AllowSpot(SmartConstraints asked, string text) =>
        text == "true" ? asked with { SpotAllowed = true } : null;

    private static SmartConstraints? AcceptAnyPath(SmartConstraints asked, string text) =>
        text == "false" ? asked with { RequireEncryptedPath = false } : null;

    private static SmartConstraints? TakeGpuType(SmartConstraints asked, string type) =>
        !IsWord(type) ? null
        : asked.GpuType is null ? asked
        : asked with { GpuType = type };

    private static SmartConstraints? TakeGpuCount(SmartConstraints asked, string text) =>
        FailureDetails.Number(text, 1, SpecLimits.MostGpus) is not { } count ? null
        : asked.GpuCount is null ? asked
        : asked with { GpuCount = (int)count };

    private static SmartConstraints? AddProvider(SmartConstraints asked, string provider) =>
        IsProvider(provider) && Added(asked.Providers, provider) is { } providers
            ? asked with
            {
                Providers = providers,
            }
            : null;

    /// <summary>Unchanged when empty, because an empty list admits all; null when it is full.</summary>
    private static ImmutableArray<string>? Added(ImmutableArray<string> list, string item) =>
        list.IsEmpty || list.Contains(item, StringComparer.Ordinal) ? list
        : list.Length < SpecLimits.LongestList ? list.Add(item)
        : null;

    private static bool IsWord(string text) => text.Length is > 0 and <= LongestWord && !text.Any(char.IsControl);

    private static bool IsProvider(string text) =>
        text.Length is > 0 and <= LongestProviderId
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
