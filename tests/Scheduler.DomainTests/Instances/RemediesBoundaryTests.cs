using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>Remedies from single facts, at the edges of what is accepted.</summary>
public sealed class RemediesBoundaryTests
{
    private const string Again = "start-again: Start again";
    private static readonly DateTimeOffset Until = new(2026, 3, 1, 12, 10, 0, TimeSpan.Zero);
    private static readonly Route Route = Make.Offer().Route;

    [Theory]
    [InlineData("1", "top-up: Top up 1.00 EUR and start again")]
    [InlineData("500001", "top-up: Top up 2.00 EUR and start again")]
    [InlineData("1000000000000", "top-up: Top up 1000000.00 EUR and start again")]
    [InlineData("1000000000001", Again + " once the account is topped up")]
    [InlineData("0", Again + " once the account is topped up")]
    [InlineData("", Again + " once the account is topped up")]
    public void Money_is_topped_up_only_when_some_is_missing(string amount, string way) =>
        Assert.Equal(
            [way],
            Ways(FailureCode.BalanceExhausted, Make.Spec(), amount == "" ? [] : [("top_up_micro_eur", amount)])
        );

    [Theory]
    [InlineData(null, "cheaper-offer: Set the max price to 1.00 EUR/h, for a/b/c")]
    [InlineData(1_000_001L, "cheaper-offer: Lower the max price to 1.00 EUR/h, for a/b/c")]
    [InlineData(1_000_000L, Again)]
    [InlineData(999_999L, Again)]
    public void A_cheaper_offer_only_ever_lowers_the_maximum(long? most, string way)
    {
        var spec = Make.Spec(new SmartConstraints { MaxPricePerHour = most is { } price ? new(price) : null });
        (string, string)[] facts = [("affordable_price_per_hour_micro_eur", "1000000"), ("affordable_offer", "a/b/c")];
        Assert.Equal([way], Ways(FailureCode.BillingBelowMinimum, spec, facts));
        Assert.Equal(
            [Again + " once the account is topped up"],
            Ways(FailureCode.BillingBelowMinimum, spec, facts[..1])
        );
        Assert.Equal(
            [Again + " once the account is topped up"],
            Ways(FailureCode.BillingBelowMinimum, spec, facts[1..])
        );
    }

    [Theory]
    [InlineData("1", Again + " later: 1 matching offer is not available now")]
    [InlineData("1200", Again + " later: 1,200 matching offers are not available now")]
    [InlineData("0", Again + " later")]
    public void What_matches_later_is_started_later(string later, string way) =>
        Assert.Equal([way], Ways(FailureCode.SmartNoMatch, Make.Spec(), ("match_later", later)));

    [Fact]
    public void Relaxations_are_followed_up_to_the_eighth()
    {
        (string, string)[] facts = [.. Enumerable.Range(1, 9).Select(i => ($"relaxation_{i}_gpu_count", $"{i}"))];
        var spec = Make.Spec(new SmartConstraints { GpuCount = 64 });
        Assert.Equal(
            Enumerable.Range(1, 8).Select(i => $"relax-{i}: Start on {i} {(i == 1 ? "GPU" : "GPUs")}"),
            Ways(FailureCode.SmartNoMatch, spec, facts)
        );
    }

    [Theory]
    [InlineData(4096, "4097", "reduce-context: Reduce the context to 4,096 tokens", 8192)]
    [InlineData(4096, "4096", Again + " once what the hint names is changed", 8192)]
    [InlineData(4096, "8192", Again, 4096)]
    [InlineData(4096, "8192", Again, 4095)]
    [InlineData(1, "8192", "reduce-context: Reduce the context to 1 token", 2)]
    [InlineData(0, "8192", Again + " once what the hint names is changed", 8192)]
    public void The_context_only_ever_shrinks(long fitting, string failed, string way, long context) =>
        Assert.Equal(
            [way],
            Ways(
                FailureCode.OomKilled,
                Make.Spec() with
                {
                    ContextTokens = context,
                },
                ("fitting_context_tokens", $"{fitting}"),
                ("context_tokens", failed)
            )
        );

    [Theory]
    [InlineData("16777216", "reduce-context: Reduce the context to 16,777,216 tokens")]
    [InlineData("16777217", Again + " once what the hint names is changed")]
    public void The_context_stays_within_the_API_limit(string fitting, string way) =>
        Assert.Equal(
            [way],
            Ways(
                FailureCode.OomKilled,
                Make.Spec() with
                {
                    ContextTokens = long.MaxValue,
                },
                ("fitting_context_tokens", fitting),
                ("context_tokens", "99999999")
            )
        );

    [Theory]
    [InlineData("1", "fewer-sequences: Reduce the parallel sequences to 1")]
    [InlineData("4096", "fewer-sequences: Raise the parallel sequences to 4,096")]
    [InlineData("8", Again)]
    [InlineData("0", Again + " once what the hint names is changed")]
    [InlineData("4097", Again + " once what the hint names is changed")]
    public void Sequences_stay_within_the_API_limits(string suggested, string way) =>
        Assert.Equal(
            [way],
            Ways(
                FailureCode.GpuIncompatible,
                Make.Spec() with
                {
                    ParallelSequences = 8,
                },
                ("suggested_parallel_sequences", suggested)
            )
        );

    [Theory]
    [InlineData("fp8", null, "weight-format: Take the weights in fp8")]
    [InlineData("fp8", "fp8", Again)]
    [InlineData("fp9", null, Again + " once what the hint names is changed")]
    public void Only_a_known_weight_format_is_proposed(string fits, string? asked, string way) =>
        Assert.Equal(
            [way],
            Ways(
                FailureCode.GpuIncompatible,
                Make.Spec() with
                {
                    WeightFormat = asked,
                },
                ("weight_format_that_fits", fits)
            )
        );

    [Theory]
    [InlineData("L40S", "1", "larger-gpu: Start on 1×L40S (45.0 GiB per GPU, not on offer now)")]
    [InlineData("l40s", "64", "larger-gpu: Start on 64×L40S (45.0 GiB per GPU, not on offer now)")]
    [InlineData("L40S", "65", Again + " once what the hint names is changed")]
    [InlineData("L40S", "0", Again + " once what the hint names is changed")]
    [InlineData("unknown", "1", Again + " once what the hint names is changed")]
    public void Only_a_known_GPU_in_a_possible_number_is_proposed(string type, string count, string way) =>
        Assert.Equal(
            [way],
            Ways(FailureCode.GpuIncompatible, Make.Spec(), ("smallest_gpu_type", type), ("smallest_gpu_count", count))
        );

    [Fact]
    public void A_GPU_on_offer_comes_before_and_another_one_after_the_other_changes()
    {
        (string, string)[] facts =
        [
            ("smallest_gpu_type", "L40S"),
            ("smallest_gpu_count", "1"),
            ("suggested_parallel_sequences", "1"),
        ];
        var spec = Make.Spec() with { ParallelSequences = 8 };
        Assert.Equal(["fewer-sequences", "larger-gpu"], Ids(Ways(FailureCode.GpuIncompatible, spec, facts)));
        Assert.Equal(
            ["larger-gpu", "fewer-sequences"],
            Ids(Ways(FailureCode.GpuIncompatible, spec, [.. facts, ("smallest_gpu_price_per_hour_micro_eur", "1")]))
        );
        Assert.Equal(
            ["fewer-sequences"],
            Ids(Ways(FailureCode.GpuIncompatible, spec, [.. facts, ("relaxation_1", "spot")]))
        );
    }

    [Fact]
    public void A_GPU_whose_other_change_cannot_be_followed_is_left_out() =>
        Assert.Equal(
            [Again + " once what the hint names is changed"],
            Ways(
                FailureCode.OomKilled,
                Make.Spec(),
                ("fitting_gpu_type", "L40S"),
                ("fitting_gpu_count", "1"),
                ("fitting_gpu_also_change", "not a constraint")
            )
        );

    [Fact]
    public void The_suggested_context_comes_before_the_largest_one()
    {
        var spec = Make.Spec() with { ContextTokens = 9000 };
        (string, string)[] facts = [("largest_context_tokens", "5000"), ("context_tokens", "9000")];
        Assert.Equal(
            ["reduce-context: Reduce the context to 5,000 tokens"],
            Ways(FailureCode.GpuIncompatible, spec, facts)
        );
        Assert.Equal(
            ["reduce-context: Reduce the context to 4,000 tokens"],
            Ways(FailureCode.GpuIncompatible, spec, [.. facts, ("suggested_context_tokens", "4000")])
        );
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("cloud/eu-west/L40S", true)]
    [InlineData("other/eu-west/L40S", false)]
    public void The_only_route_widens_the_providers_first(string? next, bool isAlone)
    {
        (string, string)[] facts = next is null
            ? [("route", $"{Route}")]
            : [("route", $"{Route}"), ("next_route", next)];
        var spec = Make.Spec(new SmartConstraints { Providers = ["cloud"] });
        foreach (var code in new[] { FailureCode.ProviderTimeout, FailureCode.ProviderRejected })
        {
            Assert.Equal(isAlone ? "any-provider" : "start-again", Ids(Ways(code, spec, facts))[0]);
        }

        Assert.Equal("start-again", Ids(Ways(FailureCode.ProviderTimeout, spec))[0]);
    }

    [Fact]
    public void Providers_are_widened_only_from_a_list_of_one()
    {
        var one = Make.Spec(new SmartConstraints { Providers = ["cloud"] });
        var two = Make.Spec(new SmartConstraints { Providers = ["cloud", "other"] });
        foreach (var code in new[] { FailureCode.RuntimeExited, FailureCode.Preempted, FailureCode.ProviderTimeout })
        {
            Assert.Equal(["start-again", "any-provider"], Ids(Ways(code, one)));
            Assert.Equal(["start-again"], Ids(Ways(code, two)));
            Assert.Equal(["start-again"], Ids(Ways(code, Make.Spec())));
        }
    }

    [Fact]
    public void A_new_start_names_the_latest_time_of_the_failed_route_and_the_next_one()
    {
        var record = Record(FailureCode.RuntimeExited, Make.Spec(), ("route", $"{Route}"), ("next_route", "a/b/c")) with
        {
            AvoidedRoutes =
            [
                new AvoidedRoute(Route, Until.AddHours(-1)),
                new AvoidedRoute(Route, Until),
                new AvoidedRoute(Route with { Region = "x" }, Until.AddHours(1)),
            ],
        };
        Assert.Equal(
            "Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z, the next route is a/b/c",
            Remedies.For(record)[0].Title
        );
        var same = Record(FailureCode.RuntimeExited, Make.Spec(), ("route", $"{Route}"), ("next_route", $"{Route}"));
        Assert.Equal(
            "Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z",
            Remedies.For(same with { AvoidedRoutes = [new AvoidedRoute(Route, Until)] })[0].Title
        );
    }

    [Theory]
    [InlineData("true", true, new[] { "start-again", "disallow-spot" })]
    [InlineData("true", false, new[] { "start-again" })]
    [InlineData("false", true, new[] { "start-again" })]
    public void Spot_capacity_is_disallowed_after_it_was_preempted(string spot, bool isAllowed, string[] ids) =>
        Assert.Equal(
            ids,
            Ids(
                Ways(FailureCode.Preempted, Make.Spec(new SmartConstraints { SpotAllowed = isAllowed }), ("spot", spot))
            )
        );

    [Theory]
    [InlineData("180", "90", null, "raise-start-timeout: Raise the start timeout to 180 s")]
    [InlineData("180", "179", 179, "raise-start-timeout: Raise the start timeout to 180 s")]
    [InlineData("180", "90", 180, null)]
    [InlineData("180", "90", 181, null)]
    [InlineData("180", "180", null, null)]
    [InlineData("180", "181", null, null)]
    [InlineData("0", "90", null, null)]
    [InlineData("86400", "90", null, "raise-start-timeout: Raise the start timeout to 86400 s")]
    [InlineData("86401", "90", null, "raise-start-timeout: Raise the start timeout to 86400 s")]
    public void The_start_timeout_only_ever_grows(string suggested, string waited, int? asked, string? way)
    {
        var spec = Make.Spec() with { StartTimeout = asked is { } s ? TimeSpan.FromSeconds(s) : null };
        var ways = Ways(
            FailureCode.RuntimeStartTimeout,
            spec,
            ("suggested_start_timeout_seconds", suggested),
            ("waited_seconds", waited),
            ("output_tail", "loading")
        );
        Assert.Equal(way is null ? [Again] : [way, Again], ways);
    }

    [Theory]
    [InlineData("Qwen/Qwen2.5-7B", new[] { "use-model", "start-again" })]
    [InlineData("qwen/qwen2.5-7b", new[] { "start-again" })]
    public void Only_a_model_of_the_catalogue_is_proposed(string near, string[] ids) =>
        Assert.Equal(ids, Ids(Ways(FailureCode.ModelNotFound, Make.Spec() with { Model = "x" }, ("near", near))));

    [Theory]
    [InlineData(FailureCode.ImagePullFailed, " once the image or its registry credentials are corrected")]
    [InlineData(FailureCode.ModelLoadError, " once the model's source, format or access is corrected")]
    [InlineData(FailureCode.ModelNotFound, " once the model is registered")]
    [InlineData(FailureCode.BillingBelowMinimum, " once the account is topped up")]
    [InlineData(FailureCode.BalanceExhausted, " once the account is topped up")]
    [InlineData(FailureCode.GpuIncompatible, " once what the hint names is changed")]
    [InlineData(FailureCode.OomKilled, " once what the hint names is changed")]
    [InlineData(FailureCode.SmartNoMatch, " later")]
    [InlineData(FailureCode.RuntimeError, "")]
    [InlineData(FailureCode.QuotaExceeded, "")]
    [InlineData(FailureCode.ModelImportRefused, "")]
    [InlineData(FailureCode.HubUnreachable, "")]
    [InlineData(FailureCode.ServiceNotReady, "")]
    public void A_failure_without_facts_is_started_again_after_its_fix(FailureCode code, string when) =>
        Assert.Equal([Again + when], Ways(code, Make.Spec()));

    [Fact]
    public void A_suspended_account_is_started_again_after_the_suspension() =>
        Assert.Equal(
            [Again + " once the operator has lifted the suspension"],
            Ways(FailureCode.BillingBelowMinimum, Make.Spec(), ("suspended", "true"), ("top_up_micro_eur", "5"))
        );

    [Fact]
    public void A_remedy_that_was_applied_puts_the_plain_start_first()
    {
        var spec = Make.Spec() with { ContextTokens = 4096 };
        (string, string)[] facts =
        [
            ("fitting_context_tokens", "4096"),
            ("context_tokens", "8192"),
            ("fitting_gpu_type", "L40S"),
            ("fitting_gpu_count", "1"),
        ];
        Assert.Equal(["start-again", "larger-gpu"], Ids(Ways(FailureCode.OomKilled, spec, facts)));
        Assert.Equal(["start-again"], Ids(Ways(FailureCode.ModelNotFound, Make.Spec(), ("near", Make.Model))));
        Assert.Equal(
            [Again + " once the model is registered"],
            Ways(FailureCode.ModelNotFound, Make.Spec(), ("near", Make.Model))
        );
    }

    private static string[] Ids(IEnumerable<string> ways) => [.. ways.Select(way => way.Split(':')[0])];

    private static string[] Ways(FailureCode code, LaunchSpec spec, params (string Name, string Value)[] facts) =>
        [.. Remedies.For(Record(code, spec, facts)).Select(way => $"{way.Id}: {way.Title}")];

    private static InstanceRecord Record(
        FailureCode code,
        LaunchSpec spec,
        params (string Name, string Value)[] facts
    ) =>
        new()
        {
            State = InstanceState.Failed,
            Spec = spec,
            Failure = new FailureRecord
            {
                Failure = new Failure
                {
                    Code = code,
                    Details = facts.ToImmutableSortedDictionary(fact => fact.Name, fact => fact.Value),
                },
            },
        };
}
