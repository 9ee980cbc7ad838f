using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using FsCheck;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>Properties of the remedies of any failure, also after changes of the spec or damaged facts.</summary>
public sealed class RemediesPropertyTests
{
    /// <summary>The properties that a remedy may change, by their displayed names.</summary>
    private static readonly ImmutableDictionary<string, string> Properties = ImmutableDictionary.CreateRange([
        KeyValuePair.Create("model", nameof(LaunchSpec.Model)),
        KeyValuePair.Create("weight format", nameof(LaunchSpec.WeightFormat)),
        KeyValuePair.Create("context", nameof(LaunchSpec.ContextTokens)),
        KeyValuePair.Create("parallel sequences", nameof(LaunchSpec.ParallelSequences)),
        KeyValuePair.Create("start timeout", nameof(LaunchSpec.StartTimeout)),
        KeyValuePair.Create("max price", nameof(SmartConstraints.MaxPricePerHour)),
        KeyValuePair.Create("regions", nameof(SmartConstraints.Regions)),
        KeyValuePair.Create("lowest tier", nameof(SmartConstraints.MinimumTier)),
        KeyValuePair.Create("spot capacity", nameof(SmartConstraints.SpotAllowed)),
        KeyValuePair.Create("path to the runtime", nameof(SmartConstraints.RequireEncryptedPath)),
        KeyValuePair.Create("GPU type", nameof(SmartConstraints.GpuType)),
        KeyValuePair.Create("GPU count", nameof(SmartConstraints.GpuCount)),
        KeyValuePair.Create("providers", nameof(SmartConstraints.Providers)),
    ]);

    [LongProperty(1000)]
    public void A_remedy_changes_only_the_fields_it_names_and_gives_a_valid_spec(DoNotSize<int> seed, bool isEdited)
    {
        var failures = new SampleFailures(seed.Item);
        foreach (var (code, record) in failures.OfEveryCode(isEdited))
        {
            var remedies = Remedies.For(record);

            Assert.True(!remedies.IsEmpty, $"{code} has no remedy");
            AssertSound(record, remedies);
        }
    }

    [LongProperty(1000)]
    public void Relaxation_remedies_apply_exactly_the_loosened_constraints(DoNotSize<int> seed)
    {
        var (record, relaxations) = new SampleFailures(seed.Item).NoMatch();

        var ways = Remedies.For(record).Where(way => way.Id.StartsWith("relax-", StringComparison.Ordinal)).ToList();

        Assert.Equal(relaxations.Take(ways.Count).Select(r => Words(r.Loosened)), ways.Select(SpecWords));
        Assert.True(ways.Count == Math.Min(relaxations.Length, 8));
    }

    [LongProperty(1000)]
    public void Missing_or_malformed_facts_only_remove_remedies(
        DoNotSize<int> seed,
        DoNotSize<int> damage,
        NonNull<string> junk
    )
    {
        var random = new Random(damage.Item);
        foreach (var (_, record) in new SampleFailures(seed.Item).OfEveryCode(isEdited: random.Next(2) == 0))
        {
            var failure = record.Failure!.Failure;
            var details = failure.Details.ToBuilder();
            foreach (var name in failure.Details.Keys)
            {
                Damage(details, name, random, junk.Get);
            }

            var damaged = record with
            {
                Failure = record.Failure with { Failure = failure with { Details = details.ToImmutable() } },
            };
            var remedies = Remedies.For(damaged);

            Assert.NotEmpty(remedies);
            AssertSound(damaged, remedies);
        }
    }

    private static void Damage(
        ImmutableSortedDictionary<string, string>.Builder details,
        string name,
        Random random,
        string junk
    )
    {
        string[] values =
        [
            junk,
            "",
            "-1",
            "0",
            "1.5",
            "many",
            "two\nlines",
            new('x', 300),
            long.MaxValue.ToString(CultureInfo.InvariantCulture),
            "99999999999999999999",
        ];
        switch (random.Next(3))
        {
            case 0:
                details.Remove(name);
                break;
            case 1:
                details[name] = values[random.Next(values.Length)];
                break;
            default:
                break;
        }
    }

    private static void AssertSound(InstanceRecord record, ImmutableArray<Remedy> remedies)
    {
        Assert.Distinct(remedies.Select(way => way.Id));
        foreach (var way in remedies)
        {
            Assert.Matches("^[a-z]+(-[a-z0-9]+)*$", way.Id);
            Assert.NotEmpty(way.Title);
            Assert.True(way.TopUp is null == way.LeastTopUp is null);
            Assert.True(way.TopUp is null || (way.LeastTopUp!.Value.Value > 0 && way.TopUp >= way.LeastTopUp));
            Assert.Equal(way.Spec is null, way.Changes.IsEmpty);
            if (way.Spec is not { } spec)
            {
                continue;
            }

            Assert.Equal(
                Differences(record.Spec, spec).Concat(Differences(record.Spec.Constraints, spec.Constraints)).Order(),
                way.Changes.Select(change => Properties[change.Field]).Order()
            );
            if (way.Id.StartsWith("relax-", StringComparison.Ordinal))
            {
                AssertLooser(record.Spec.Constraints, spec.Constraints);
            }
        }
    }

    private static void AssertLooser(SmartConstraints from, SmartConstraints to)
    {
        Assert.True(to.MaxPricePerHour is null || to.MaxPricePerHour >= from.MaxPricePerHour);
        Assert.True(to.Regions.IsEmpty == from.Regions.IsEmpty && from.Regions.All(r => to.Regions.Contains(r)));
        Assert.True(
            to.Providers.IsEmpty == from.Providers.IsEmpty && from.Providers.All(p => to.Providers.Contains(p))
        );
        Assert.True(to.MinimumTier <= from.MinimumTier);
        Assert.True(to.SpotAllowed || !from.SpotAllowed);
        Assert.Equal(from.GpuType is null, to.GpuType is null);
        Assert.Equal(from.GpuCount is null, to.GpuCount is null);
    }

    private static IEnumerable<string> Differences<T>(T from, T to) =>
        typeof(T)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.PropertyType != typeof(SmartConstraints))
            .Where(property => Text(property.GetValue(from)) != Text(property.GetValue(to)))
            .Select(property => property.Name);

    private static string Text(object? value) =>
        value is IEnumerable<string> list ? string.Join('\n', list) : $"{value}";

    private static string SpecWords(Remedy way) => Words(way.Spec!.Constraints);

    private static string Words(SmartConstraints constraints) =>
        string.Join(
            '|',
            typeof(SmartConstraints)
                .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Select(property => Text(property.GetValue(constraints)))
        );
}
