using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;

namespace Scheduler.Dashboard.Placement;

/// <summary>
/// Values of the launch form as text. The submitted form, the URL of the page and a link to a prefilled form hold the
/// same values. So every proposal on the page is a link. <see cref="LaunchReader"/> parses and validates them.
/// </summary>
public sealed class LaunchForm
{
    /// <summary>Shown for a line break inside an argument, which a form cannot submit.</summary>
    internal const char LineBreakInside = '⏎';

    private readonly ImmutableSortedDictionary<string, string> _texts;

    private LaunchForm(ImmutableSortedDictionary<string, string> texts, bool wasAsked) =>
        (_texts, WasAsked) = (texts, wasAsked);

    /// <summary>The form with default values.</summary>
    public static LaunchForm Blank { get; } = Of(new LaunchSpec());

    /// <summary>Whether the form was submitted, so that missing values are validation errors.</summary>
    public bool WasAsked { get; }

    /// <summary>URL of the launch page with these values.</summary>
    public string Address => DashboardSetup.Root + "/launch" + QueryString.Create(Differences());

    /// <param name="field">One of <see cref="LaunchFields"/>.</param>
    public string this[string field] => _texts.GetValueOrDefault(field, "");

    /// <param name="sent">Returns the text of a field; null if it was not sent.</param>
    /// <param name="below">Values of fields that were not sent; null for the blank form.</param>
    public static LaunchForm Of(Func<string, string?> sent, LaunchForm? below = null)
    {
        var wasAsked = !string.IsNullOrEmpty(sent(LaunchFields.Asked));
        var texts = (below ?? Blank)._texts.ToBuilder();
        foreach (var (field, _) in LaunchFields.All)
        {
            if (sent(field) is { } text)
            {
                texts[field] = Clean(field, text);
            }
            else if (wasAsked && LaunchFields.IsBox(field))
            {
                texts[field] = LaunchFields.Off;
            }
        }

        return new LaunchForm(texts.ToImmutable(), wasAsked);
    }

    public static LaunchForm Of(LaunchSpec spec)
    {
        var texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        texts[LaunchFields.Start] = LaunchFields.On;
        texts[LaunchFields.Model] = spec.Model;
        texts[LaunchFields.Weights] = spec.WeightFormat ?? "";
        texts[LaunchFields.Kv] = spec.KvFormat;
        texts[LaunchFields.Context] = spec.ContextTokens.ToString(CultureInfo.InvariantCulture);
        texts[LaunchFields.Parallel] = spec.ParallelSequences.ToString(CultureInfo.InvariantCulture);
        texts[LaunchFields.AtOnce] = spec.SequencesAtOnce?.ToString(CultureInfo.InvariantCulture) ?? "";
        texts[LaunchFields.Runtime] = spec.Runtime;
        texts[LaunchFields.Arguments] = Lines(
            spec.RuntimeArguments.Select(argument =>
                argument.ReplaceLineEndings("\n").Replace('\n', LineBreakInside).Replace('\r', LineBreakInside)
            )
        );
        texts[LaunchFields.Image] = spec.Image ?? "";
        texts[LaunchFields.Variables] = Lines(spec.Variables.Select(variable => VariableLines.Of(variable)));
        texts[LaunchFields.Reroute] = Box(spec.AutoReroute);
        texts[LaunchFields.AllocationTimeout] = Seconds(spec.AllocationTimeout);
        texts[LaunchFields.StartTimeout] = Seconds(spec.StartTimeout);
        texts[LaunchFields.CapacityWait] = Seconds(spec.WaitForCapacity);
        Write(texts, spec.Constraints);
        return new LaunchForm(texts.ToImmutable(), wasAsked: false);
    }

    /// <summary>The form to launch a copy of an instance under another name.</summary>
    public static LaunchForm Of(InstanceRecord like)
    {
        return Of(like.Spec)
            .With(LaunchFields.Account, like.Account.Value)
            .With(LaunchFields.Name, $"{like.ServingName}-2");
    }

    /// <summary>The form that matches this offer only, as far as constraints can express it.</summary>
    public static LaunchForm Of(Offer offer) =>
        Blank.With(
            new SmartConstraints
            {
                MaxPricePerHour = offer.PricePerHour,
                Regions = [offer.Region],
                MinimumTier = offer.Tier,
                SpotAllowed = offer.Spot,
                GpuType = offer.GpuType,
                GpuCount = offer.GpuCount,
                Providers = [offer.Provider.Value],
            }
        );

    public LaunchForm With(string field, string text) => new(_texts.SetItem(field, text), wasAsked: false);

    public LaunchForm With(SmartConstraints constraints)
    {
        var texts = _texts.ToBuilder();
        Write(texts, constraints);
        return new LaunchForm(texts.ToImmutable(), wasAsked: false);
    }

    private static void Write(ImmutableSortedDictionary<string, string>.Builder texts, SmartConstraints constraints)
    {
        texts[LaunchFields.MaxPrice] = constraints.MaxPricePerHour?.ToString() ?? "";
        texts[LaunchFields.Regions] = Lines(constraints.Regions);
        texts[LaunchFields.Tier] = constraints.MinimumTier.Word();
        texts[LaunchFields.Spot] = Box(constraints.SpotAllowed);
        texts[LaunchFields.Encrypted] = Box(constraints.RequireEncryptedPath);
        texts[LaunchFields.Gpu] = constraints.GpuType ?? "";
        texts[LaunchFields.GpuCount] = constraints.GpuCount?.ToString(CultureInfo.InvariantCulture) ?? "";
        texts[LaunchFields.Providers] = Lines(constraints.Providers);
        texts[LaunchFields.GpuPreferences] = Lines(constraints.GpuPreferences);
        texts[LaunchFields.ProviderPreferences] = Lines(constraints.ProviderPreferences);
    }

    /// <summary>
    /// Keeps one character more than allowed, so that validation reports the length instead of cutting silently.
    /// </summary>
    private static string Clean(string field, string text)
    {
        var clean = text.ReplaceLineEndings("\n").Trim('\n');
        clean = field == LaunchFields.Arguments ? clean : clean.Trim();
        var most = LaunchFields.MostCharacters(field);
        return clean.Length <= most ? clean : clean[..(most + 1)];
    }

    private static string Lines(IEnumerable<string> items) => string.Join('\n', items);

    private static string Box(bool isTicked) => isTicked ? LaunchFields.On : LaunchFields.Off;

    private static string Seconds(TimeSpan? wait) =>
        wait is { } time
            ? ((decimal)time.Ticks / TimeSpan.TicksPerSecond).ToString("0.#######", CultureInfo.InvariantCulture)
            : "";

    private IEnumerable<KeyValuePair<string, string?>> Differences()
    {
        foreach (var (field, text) in _texts)
        {
            if (text != Blank[field])
            {
                yield return new(field, text);
            }
        }

        if (WasAsked)
        {
            yield return new(LaunchFields.Asked, "1");
        }
    }
}
