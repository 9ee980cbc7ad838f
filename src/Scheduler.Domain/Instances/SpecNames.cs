using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The names that a launch spec may use, and the check of a spec against them. Immutable. Offers that are sold out, drained or
/// no longer listed count: a name that was seen once stays known.
/// </summary>
public sealed class SpecNames
{
    /// <summary>
    /// Most remembered names of one kind. Above it, only those of the current offers stay, so that a provider that invents
    /// names cannot fill the memory.
    /// </summary>
    private const int MostNames = 10_000;

    private static readonly FrozenSet<string> Formats = FormatNames.WeightFormats.ToFrozenSet(StringComparer.Ordinal);

    private readonly FrozenSet<string> _onOffer;
    private readonly FrozenSet<string> _regions;
    private readonly FrozenSet<string> _providers;
    private readonly FrozenSet<string> _runtimes;

    private SpecNames(
        FrozenSet<string> onOffer,
        FrozenSet<string> regions,
        FrozenSet<string> providers,
        FrozenSet<string> runtimes,
        bool isComplete
    )
    {
        (_onOffer, _regions, _providers, _runtimes) = (onOffer, regions, providers, runtimes);
        IsComplete = isComplete;
    }

    /// <summary>
    /// Whether every provider has listed its offers once. Until then an unknown GPU type or region may be one that was not
    /// listed yet, so it is accepted.
    /// </summary>
    public bool IsComplete { get; }

    /// <param name="providers">Ids of all configured providers.</param>
    /// <param name="runtimes">Names of the presets that any of them can start, besides the built-in ones.</param>
    public static SpecNames Of(IEnumerable<string> providers, IEnumerable<string> runtimes) =>
        new(Set([]), Set([]), Set(providers), Set([.. RuntimePresets.BuiltIn.Keys, .. runtimes]), isComplete: false);

    /// <summary>With the names of the current offers added; this object when none is new.</summary>
    public SpecNames With(OfferSnapshot snapshot, bool isComplete)
    {
        var onOffer = Union(_onOffer, snapshot.GpuTypes);
        var regions = Union(_regions, snapshot.Columns.Regions);
        return onOffer == _onOffer && regions == _regions && isComplete == IsComplete
            ? this
            : new SpecNames(onOffer, regions, _providers, _runtimes, isComplete);
    }

    /// <summary>
    /// Whether a check must wait until every provider has listed its offers, because the spec has a name that one may still list.
    /// </summary>
    public bool MustWaitFor(LaunchSpec spec) => !IsComplete && !IsKnown(spec);

    /// <summary>Replaces each alias by the one name that it means, and reports each unknown name.</summary>
    /// <param name="stored">The spec before a change; its names are accepted. Null for a new spec.</param>
    /// <returns>The spec itself when all its names are known.</returns>
    public CheckedSpec Check(LaunchSpec spec, LaunchSpec? stored = null) =>
        IsKnown(spec) ? new CheckedSpec(spec, []) : new Pass(this, stored).Check(spec);

    /// <summary>For a model that is neither shipped nor registered.</summary>
    /// <param name="names">All models that the account can launch.</param>
    public static string UnknownModel(string model, IReadOnlyCollection<string> names) =>
        Unknown($"No model {Quoted(model)} is shipped or registered in the account", model, names)
        + " Register a model with its config.json or GGUF header.";

    private bool IsKnown(LaunchSpec spec) =>
        _runtimes.Contains(spec.Runtime)
        && (spec.WeightFormat is null || Formats.Contains(spec.WeightFormat))
        && (spec.Constraints.GpuType is null || IsGpu(spec.Constraints.GpuType))
        && (spec.Constraints.GpuPreferences.IsEmpty || spec.Constraints.GpuPreferences.All(IsGpu))
        && AreIn(_regions, spec.Constraints.Regions)
        && AreIn(_providers, spec.Constraints.Providers)
        && AreIn(_providers, spec.Constraints.ProviderPreferences);

    private static bool AreIn(FrozenSet<string> known, ImmutableArray<string> names)
    {
        foreach (var name in names)
        {
            if (!known.Contains(name))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsGpu(string text) =>
        _onOffer.Contains(text) || string.Equals(GpuCatalogue.Shipped.Find(text)?.Name, text, StringComparison.Ordinal);

    /// <summary>
    /// The GPU types that a text can mean. Only the shipped table resolves short names, so that a word means the same every day. An offered
    /// type counts only if its name differs in case and separators alone.
    /// </summary>
    private ImmutableArray<string> GpusMeant(string text)
    {
        var shipped = GpuCatalogue.Shipped.Meant(text);
        var letters = GpuCatalogue.Canonical(text);
        return
        [
            .. shipped
                .Select(gpu => gpu.Name)
                .Concat(_onOffer.Where(name => GpuCatalogue.Canonical(name) == letters))
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal),
        ];
    }

    private string UnknownGpu(string text, ImmutableArray<string> meant)
    {
        var missing = $"No offer has GPU type {Quoted(text)}";
        if (meant.IsEmpty)
        {
            return Unknown(
                missing,
                text,
                [.. _onOffer.Union(GpuCatalogue.Shipped.All.Select(gpu => gpu.Name), StringComparer.Ordinal)]
            );
        }

        // The word means several types: the sentence names those on offer, if there are any.
        var offered = meant.RemoveAll(name => !_onOffer.Contains(name));
        return Sentence(missing, (offered.IsEmpty ? meant : offered).Take(NearestNames.Most));
    }

    /// <summary>Names the nearest known names, or all of them if they are few.</summary>
    private static string Unknown(string missing, string text, IReadOnlyCollection<string> known)
    {
        var near = NearestNames.Of(text, known);
        return !near.IsEmpty ? Sentence(missing, near)
            : known.Count is 0 ? $"{missing}."
            : known.Count <= NearestNames.Most ? Sentence(missing, known.Order(StringComparer.Ordinal))
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{missing}, and none of the {known.Count} known names is like it."
            );
    }

    private static string Sentence(string missing, IEnumerable<string> names)
    {
        var quoted = names.Select(Quoted).ToList();
        return $"{missing}; {string.Join(", ", quoted)} {(quoted.Count == 1 ? "exists" : "exist")}.";
    }

    private static string Quoted(string name) => $"`{name}`";

    private static FrozenSet<string> Union(FrozenSet<string> known, string[] names)
    {
        if (Array.TrueForAll(names, known.Contains))
        {
            return known;
        }

        var all = Set(known.Concat(names));
        return all.Count <= MostNames ? all : Set(names);
    }

    private static FrozenSet<string> Set(IEnumerable<string> names) => names.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>One check of a spec with at least one name that is not known in the written form.</summary>
    private sealed class Pass(SpecNames names, LaunchSpec? stored)
    {
        private const string At = "spec.constraints";

        private readonly ImmutableArray<(string, string)>.Builder _faults = ImmutableArray.CreateBuilder<(
            string,
            string
        )>();

        public CheckedSpec Check(LaunchSpec spec)
        {
            var wish = spec.Constraints;
            var named = spec with
            {
                Constraints = wish with
                {
                    GpuType = wish.GpuType is { } gpu ? Gpu($"{At}.gpu_type", gpu) : null,
                    Regions = Each("regions", wish.Regions, Region),
                    Providers = Each("providers", wish.Providers, Provider),
                    GpuPreferences = Each("gpu_preferences", wish.GpuPreferences, Gpu),
                    ProviderPreferences = Each("provider_preferences", wish.ProviderPreferences, Provider),
                },
                WeightFormat = spec.WeightFormat is { } format ? Format(format) : null,
            };
            if (!names._runtimes.Contains(spec.Runtime) && spec.Runtime != stored?.Runtime)
            {
                Report("spec.runtime", "No runtime preset is named", spec.Runtime, names._runtimes);
            }

            return new CheckedSpec(named, _faults.ToImmutable());
        }

        private static ImmutableArray<string> Each(
            string list,
            ImmutableArray<string> items,
            Func<string, string, string> check
        ) =>
            [
                .. items.Select(
                    (item, i) => check(string.Create(CultureInfo.InvariantCulture, $"{At}.{list}[{i}]"), item)
                ),
            ];

        private string Gpu(string field, string text)
        {
            var before = stored?.Constraints;
            if (
                names.IsGpu(text)
                || text == before?.GpuType
                || before?.GpuPreferences.Contains(text, StringComparer.Ordinal) == true
            )
            {
                return text;
            }

            var meant = names.GpusMeant(text);
            if (meant.Length == 1)
            {
                return meant[0];
            }

            if (names.IsComplete)
            {
                _faults.Add((field, names.UnknownGpu(text, meant)));
            }

            return text;
        }

        private string Region(string field, string text)
        {
            if (
                names.IsComplete
                && !names._regions.Contains(text)
                && stored?.Constraints.Regions.Contains(text, StringComparer.Ordinal) != true
            )
            {
                Report(field, "No offer is in region", text, names._regions);
            }

            return text;
        }

        private string Provider(string field, string text)
        {
            var before = stored?.Constraints;
            if (
                !names._providers.Contains(text)
                && before?.Providers.Contains(text, StringComparer.Ordinal) != true
                && before?.ProviderPreferences.Contains(text, StringComparer.Ordinal) != true
            )
            {
                Report(field, "No provider is named", text, names._providers);
            }

            return text;
        }

        private string Format(string text)
        {
            var lower = text.ToLowerInvariant();
            if (Formats.Contains(lower))
            {
                return lower;
            }

            if (text != stored?.WeightFormat)
            {
                Report("spec.weight_format", "No weight format is named", text, Formats);
            }

            return text;
        }

        private void Report(string field, string missing, string text, FrozenSet<string> known) =>
            _faults.Add((field, Unknown($"{missing} {Quoted(text)}", text, known)));
    }
}

/// <param name="Spec">With aliases replaced.</param>
/// <param name="Faults">By field path of the API, for example <c>spec.constraints.regions[0]</c>; empty when all is known.</param>
public sealed record CheckedSpec(LaunchSpec Spec, ImmutableArray<(string Field, string Description)> Faults);
