using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck.Xunit;
using Scheduler.Dashboard.Instances;
using Scheduler.Domain.Failures;
using Scheduler.DomainTests.Failures;
using Scheduler.DomainTests.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Instances;

public sealed partial class FactWordsTests
{
    /// <summary>Facts of every type, filled by reflection and from random failures.</summary>
    private static readonly ImmutableSortedDictionary<string, string> Samples = SampleFacts
        .Kinds.SelectMany(kind => FailureCatalogue.Describe(SampleFacts.Of(kind, sparse: false)).Details)
        .Concat(
            Enumerable
                .Range(1, 40)
                .SelectMany(seed => new SampleFailures(seed).OfEveryCode(isEdited: false))
                .SelectMany(failed => failed.Record.Failure!.Failure.Details)
        )
        .DistinctBy(fact => fact.Key)
        .ToImmutableSortedDictionary();

    [Fact]
    public void Every_kind_of_facts_is_declared_in_the_domain() =>
        Assert.All(SampleFacts.Kinds, kind => Assert.Equal(typeof(FailureFacts).Assembly, kind.Assembly));

    [Fact]
    public void A_fact_with_a_unit_in_its_name_is_shown_in_that_unit()
    {
        var withUnit = Samples.Where(fact => UnitInName().IsMatch(fact.Key) && IsNumber(fact.Value)).ToList();
        Assert.True(withUnit.Count > 20, $"Only {withUnit.Count} facts have a unit.");
        Assert.All(
            withUnit,
            fact =>
                Assert.Matches(
                    UnitInName().Match(fact.Key).Groups[1].Value switch
                    {
                        "micro_eur" => "EUR",
                        "bytes" => "GiB",
                        "tokens" => "tokens$",
                        _ => "(s|min|h|d)$",
                    },
                    FactWords.Value(fact.Key, fact.Value)
                )
        );
    }

    [Fact]
    public void A_fact_without_a_unit_is_shown_unchanged() =>
        Assert.All(
            Samples.Where(fact => !UnitInName().IsMatch(fact.Key)),
            fact => Assert.Equal(fact.Value, FactWords.Value(fact.Key, fact.Value))
        );

    [Theory]
    [InlineData("needed_bytes_per_gpu", "15032385536", "14.0 GiB per GPU")]
    [InlineData("usable_bytes_per_gpu", "0", "0.0 GiB per GPU")]
    [InlineData("needed_kv_cache_bytes", "1073741824", "1.0 GiB")]
    [InlineData("price_per_hour_micro_eur", "1290000", "1.29 EUR/h")]
    [InlineData("top_up_micro_eur", "20000000", "20.00 EUR")]
    [InlineData("limit_tokens", "8192", "8,192 tokens")]
    [InlineData("waited_seconds", "90", "1 min 30 s")]
    [InlineData("judge_deadline_ms", "300", "0.3 s")]
    [InlineData("attempts_per_gpu", "3", "3")]
    [InlineData("judge_deadline_ms", "soon", "soon")]
    [InlineData("waited_seconds", "9223372036854775807", "9223372036854775807")]
    [InlineData("waited_seconds", "99999999999999999999", "99999999999999999999")]
    public void Facts_are_shown_in_readable_units(string name, string value, string text) =>
        Assert.Equal(text, FactWords.Value(name, value));

    [Theory]
    [InlineData("needed_bytes_per_gpu", "15032385536", "needed")]
    [InlineData("relaxation_1_max_price_per_hour_micro_eur", "185500", "relaxation 1 max price")]
    [InlineData("top_up_micro_eur", "20000000", "top up")]
    [InlineData("waited_seconds", "90", "waited")]
    [InlineData("waited_seconds", "soon", null)]
    [InlineData("gpu_count", "3", null)]
    public void A_value_in_another_unit_has_a_name_without_the_stored_unit(string name, string value, string? words) =>
        Assert.Equal(words, FactWords.Name(name, value));

    [Fact]
    public void No_name_beside_a_converted_value_has_a_unit() =>
        Assert.All(
            Samples.Select(fact => FactWords.Name(fact.Key, fact.Value)).OfType<string>(),
            words => Assert.DoesNotMatch("micro|eur|bytes|tokens|seconds|_", words)
        );

    [Property]
    public void No_number_throws(long number, int pick)
    {
        var name = Samples.Keys.ElementAt(Math.Abs(pick % Samples.Count));
        Assert.NotEmpty(FactWords.Value(name, number.ToString(CultureInfo.InvariantCulture)));
    }

    private static bool IsNumber(string value) => long.TryParse(value, CultureInfo.InvariantCulture, out _);

    // The unit may be anywhere in the name, not only at the end.
    [GeneratedRegex("(?:^|_)(micro_eur|bytes|tokens|seconds|ms)(?:_|$)")]
    private static partial Regex UnitInName();
}
