using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>The remedies of each failure code stored on instances, from facts that the scheduler computes.</summary>
public sealed class RemediesTests
{
    private static readonly DateTimeOffset Until = new(2026, 3, 1, 12, 10, 0, TimeSpan.Zero);
    private static readonly Offer Offer = Make.Offer();
    private static readonly Offer Next = Make.Offer(region: "eu-north", price: 1.5m);

    [Fact]
    public void SMART_NO_MATCH_offers_each_minimal_relaxation_nearest_first()
    {
        var asked = new SmartConstraints
        {
            MaxPricePerHour = Make.Euros(1.1m),
            Regions = ["eu-west"],
            SpotAllowed = false,
            MinimumTier = CapacityTier.Standard,
            Providers = ["cloud"],
        };
        var offers = new[]
        {
            Make.Offer(price: 1.29m),
            Make.Offer(price: 1m, spot: true),
            Make.Offer(region: "eu-north", price: 1.05m),
            Make.Offer(price: 1.04m, tier: CapacityTier.Community, count: 2),
            Make.Offer("other", price: 1.03m),
            Make.Offer(price: 1m, available: 0, count: 4),
        };

        var facts = SmartNoMatchFacts.Of(
            PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), new PlacementRequest { Constraints = asked })
        );

        Assert.Equal(
            [
                "relax-1: Allow spot capacity (best offer 1.00 EUR/h) [spot capacity: not allowed → allowed]",
                "relax-2: Accept the tier community (best offer 1.04 EUR/h) [lowest tier: standard → community]",
                "relax-3: Raise the max price to 1.29 EUR/h (best offer 1.29 EUR/h) [max price: 1.10 EUR/h → 1.29 EUR/h]",
                "relax-4: Add the provider other (leaves what the request names; best offer 1.03 EUR/h) "
                    + "[providers: cloud → cloud, other]",
                "relax-5: Add the region eu-north (leaves what the request names; best offer 1.05 EUR/h) "
                    + "[regions: eu-west → eu-west, eu-north]",
                "start-again: Start again later: 1 matching offer is not available now",
            ],
            Said(facts, Make.Spec(asked))
        );
    }

    [Fact]
    public void SMART_NO_MATCH_loosens_several_constraints_if_a_single_one_does_not_help()
    {
        var asked = new SmartConstraints
        {
            GpuType = "H100-80GB-SXM",
            GpuCount = 2,
            SpotAllowed = false,
        };
        var facts = SmartNoMatchFacts.Of(
            PlacementSolver.Solve(
                OfferSnapshot.Build([Make.Offer(spot: true)], 1),
                new PlacementRequest { Constraints = asked }
            )
        );

        Assert.Equal(
            [
                "relax-1: Start on 1×L40S and allow spot capacity (leaves what the request names; best offer 1.20 EUR/h) "
                    + "[GPU type: H100-80GB-SXM → L40S; GPU count: 2 → 1; spot capacity: not allowed → allowed]",
            ],
            Said(facts, Make.Spec(asked))
        );
    }

    [Fact]
    public void SMART_NO_MATCH_without_relaxations_offers_a_later_start()
    {
        var facts = new SmartNoMatchFacts(0, [], [], 0);

        Assert.Equal(["start-again: Start again later"], Said(facts, Make.Spec()));
    }

    [Fact]
    public void A_relaxation_already_applied_is_omitted_and_a_start_comes_first()
    {
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(1.1m), SpotAllowed = false };
        var facts = SmartNoMatchFacts.Of(
            PlacementSolver.Solve(
                OfferSnapshot.Build([Offer, Make.Offer(price: 1m, spot: true)], 1),
                new PlacementRequest { Constraints = asked }
            )
        );

        Assert.Equal(
            [
                "start-again: Start again",
                "relax-2: Raise the max price to 1.20 EUR/h (best offer 1.20 EUR/h) [max price: 1.10 EUR/h → 1.20 EUR/h]",
            ],
            Said(facts, Make.Spec(asked with { SpotAllowed = true }))
        );
    }

    [Fact]
    public void GPU_INCOMPATIBLE_offers_a_larger_GPU_or_a_smaller_context_or_format()
    {
        var facts = TooSmall("Qwen/Qwen2.5-7B", 32_768, 4) with
        {
            SmallestGpu = "L40S",
            SmallestGpuCount = 1,
            PricePerHour = Make.Euros(1.2m),
        };
        var largest = facts.LargestContextTokens!.Value.ToString(
            "N0",
            System.Globalization.CultureInfo.InvariantCulture
        );

        var said = Said(facts, SpecOf(facts));

        Assert.Equal(
            [
                "larger-gpu: Start on 1×L40S (45.0 GiB per GPU, 1.20 EUR/h; leaves what the request names) [GPU type: A10 → L40S]",
                $"reduce-context: Reduce the context to {largest} tokens [context: 32,768 tokens → {largest} tokens]",
            ],
            said[..2]
        );
        Assert.All(said[2..], way => Assert.StartsWith("weight-format: Take the weights in ", way));
    }

    [Fact]
    public void GPU_INCOMPATIBLE_keeps_the_named_GPU_before_it_proposes_another()
    {
        var four = Make.Offer(gpu: "A10", count: 4, price: 2m);
        var facts = TooSmall("Qwen/Qwen2.5-7B", 32_768, 4);
        var request = new PlacementRequest
        {
            Constraints = SpecOf(facts).Constraints,
            Fit = new ShapeFit(shape => shape != new GpuShape("A10", 1)),
        };
        facts = facts with
        {
            SmallestGpu = "L40S",
            SmallestGpuCount = 1,
            PricePerHour = Make.Euros(1.2m),
            Loosenings = PlacementSolver
                .Solve(OfferSnapshot.Build([four, Make.Offer(gpu: "A10")], 1), request)
                .Relaxations,
        };

        Assert.StartsWith(
            "Either change GPU count 1 → 4: 1 offer, best 2.00 EUR/h, or set gpu_type to L40S and gpu_count to 1 "
                + "(leaves what the request names), on offer from 1.20 EUR/h, or reduce context_tokens to ",
            FailureCatalogue.Describe(facts).Hint
        );
        Assert.Equal(["relax-1", "larger-gpu", "reduce-context"], Ids(facts)[..3]);

        // The smallest is the relaxation's own offer: it is named once.
        facts = facts with
        {
            SmallestGpu = "A10",
            SmallestGpuCount = 4,
            PricePerHour = Make.Euros(2m),
        };
        Assert.DoesNotContain("gpu_type", FailureCatalogue.Describe(facts).Hint);
        Assert.Equal(["relax-1", "reduce-context"], Ids(facts)[..2]);

        static string[] Ids(GpuIncompatibleFacts facts) =>
            [.. Remedies.For(Failed(facts, SpecOf(facts))).Select(way => way.Id)];
    }

    [Fact]
    public void GPU_INCOMPATIBLE_loosens_the_constraint_that_excludes_a_larger_GPU()
    {
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(1m) };
        var loosenings = PlacementSolver
            .Solve(OfferSnapshot.Build([Offer], 1), new PlacementRequest { Constraints = asked })
            .Relaxations;
        var facts = TooSmall("Qwen/Qwen2.5-7B", 32_768, 4) with { Loosenings = loosenings };

        var first = Remedies.For(Failed(facts, SpecOf(facts) with { Constraints = asked }))[0];

        Assert.Equal(
            "relax-1: Raise the max price to 1.20 EUR/h (best offer 1.20 EUR/h) [max price: 1.00 EUR/h → 1.20 EUR/h]",
            Said(first)
        );
    }

    [Fact]
    public void GPU_INCOMPATIBLE_lists_a_GPU_without_offers_last()
    {
        var facts = TooSmall("Qwen/Qwen2.5-72B", 32_768, 4);

        Assert.EndsWith(
            $"{facts.SmallestGpu}]",
            Said(facts, SpecOf(facts))[^1]
                .Replace("; GPU count: 1 → " + facts.SmallestGpuCount, "", StringComparison.Ordinal)
        );
        Assert.Contains(
            "not on offer now; leaves what the request names)",
            Said(facts, SpecOf(facts))[^1],
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void GPU_INCOMPATIBLE_respects_the_context_limit_of_the_model()
    {
        var facts = TooSmall("Qwen/Qwen2.5-7B", 1_000_000, 1);

        var only = Assert.Single(Said(facts, SpecOf(facts)));
        Assert.StartsWith("reduce-context: ", only, StringComparison.Ordinal);
        Assert.EndsWith($" → {facts.SuggestedContextTokens:N0} tokens]", only, StringComparison.Ordinal);
        Assert.Contains($"to {facts.SuggestedContextTokens} ", FailureCatalogue.Describe(facts).Hint);
    }

    [Fact]
    public void OOM_KILLED_offers_a_smaller_context_or_a_larger_GPU()
    {
        var wish = new SmartConstraints { MaxPricePerHour = Make.Euros(1.3m) };
        var also = PlacementSolver
            .Solve(
                OfferSnapshot.Build([Make.Offer(gpu: "H100-80GB-SXM", price: 2.1m)], 1),
                new PlacementRequest { Constraints = wish }
            )
            .Relaxations[0];
        var remedy = new MemoryRemedy(4096, "H100-80GB-SXM", 1, Make.Euros(2.1m), also);

        Assert.Equal(
            [
                "reduce-context: Reduce the context to 4,096 tokens [context: 8,192 tokens → 4,096 tokens]",
                "larger-gpu: Start on 1×H100-80GB-SXM and raise the max price to 2.10 EUR/h (79.6 GiB per GPU, 2.10 EUR/h) "
                    + "[GPU type: any → H100-80GB-SXM; GPU count: any → 1; max price: 1.30 EUR/h → 2.10 EUR/h]",
            ],
            Said(Ended(FailureCode.OomKilled, remedy: remedy), Make.Spec(wish))
        );
        Assert.Equal(
            ["start-again: Start again once what the hint names is changed"],
            Said(Ended(FailureCode.OomKilled), Make.Spec(wish))
        );
    }

    [Fact]
    public void OOM_KILLED_offers_a_larger_GPU_first_after_a_repetition()
    {
        var facts = Ended(FailureCode.OomKilled, new MemoryRemedy(2048, "H100-80GB-SXM", 1, Make.Euros(2.1m)));
        var died = Attempt(FailureCode.OomKilled, Offer.Route, run: 1);

        Assert.Equal("reduce-context", Remedies.For(After(Failed(facts, Make.Spec()), died))[0].Id);
        Assert.Equal("larger-gpu", Remedies.For(After(Failed(facts, Make.Spec()), died, died with { Run = 3 }))[0].Id);
    }

    [Fact]
    public void OOM_KILLED_says_that_it_contradicts_an_estimate_that_fitted()
    {
        var fitted = new FitVerdict(FitOutcome.Fits, FitObstacle.None, 18L << 30, 20L << 30);
        var remedy = new MemoryRemedy(2048, null, 0, null, null, fitted);

        var said = FailureCatalogue.Describe(Ended(FailureCode.OomKilled, remedy));
        var tight = FailureCatalogue.Describe(
            Ended(FailureCode.OomKilled, remedy with { Estimate = fitted with { Outcome = FitOutcome.Tight } })
        );

        Assert.EndsWith("it expected 18.0 of 20.0 GiB, and the runtime needed more.", said.Message);
        Assert.Equal("true", said.Details["estimate_contradicted"]);
        Assert.DoesNotContain("estimate_contradicted", tight.Details.Keys);
        Assert.DoesNotContain("too low", tight.Message);
    }

    [Theory]
    [InlineData(FailureCode.ProviderTimeout)]
    [InlineData(FailureCode.ProviderRejected)]
    [InlineData(FailureCode.RuntimeExited)]
    public void A_provider_that_failed_twice_in_a_row_is_left_first(FailureCode code)
    {
        var rejection = new Rejection(RejectionKind.OutOfStock, "none left");
        FailureFacts facts =
            code == FailureCode.ProviderTimeout
                ? new ProviderTimeoutFacts(Offer, TimeSpan.FromMinutes(1), 1, Until, new NextRoute(Next))
            : code == FailureCode.ProviderRejected ? new ProviderRejectedFacts(Offer, rejection, new NextRoute(Next))
            : Ended(code);
        var failed = Failed(facts, Make.Spec(new SmartConstraints { Providers = ["cloud"] }));
        var first = Attempt(code, Next.Route, run: 4);
        var second = Attempt(code, Offer.Route, run: 5);

        Assert.Equal("start-again", Remedies.For(After(failed, second))[0].Id);
        Assert.Equal("any-provider", Remedies.For(After(failed, first, second))[0].Id);
        Assert.Equal("start-again", Remedies.For(After(failed, first with { Run = 3 }, second))[0].Id);
    }

    [Fact]
    public void PROVIDER_TIMEOUT_offers_a_start_on_the_next_route()
    {
        var facts = new ProviderTimeoutFacts(Offer, TimeSpan.FromMinutes(1), 1, Until, new NextRoute(Next));

        Assert.Equal(
            [
                "start-again: Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z, "
                    + "the next route is cloud/eu-north/L40S at 1.50 EUR/h",
                "any-provider: Allow any provider [providers: cloud → any]",
            ],
            Said(facts, Make.Spec(new SmartConstraints { Providers = ["cloud"] }), new AvoidedRoute(Offer.Route, Until))
        );
    }

    [Fact]
    public void PROVIDER_TIMEOUT_of_the_only_route_offers_other_providers_first()
    {
        var facts = new ProviderTimeoutFacts(Offer, TimeSpan.FromMinutes(1), 1, Until, null);

        Assert.Equal(
            [
                "any-provider: Allow any provider [providers: cloud → any]",
                "start-again: Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z",
            ],
            Said(facts, Make.Spec(new SmartConstraints { Providers = ["cloud"] }), new AvoidedRoute(Offer.Route, Until))
        );
    }

    [Fact]
    public void PROVIDER_REJECTED_offers_a_new_start()
    {
        var facts = new ProviderRejectedFacts(
            Offer,
            new Rejection(RejectionKind.OutOfStock, "none left"),
            new NextRoute(Next)
        );

        Assert.Equal(["start-again: Start again"], Said(facts, Make.Spec()));
    }

    [Theory]
    [InlineData(FailureCode.ImagePullFailed, "Start again once the image or its registry credentials are corrected")]
    [InlineData(FailureCode.ModelLoadError, "Start again once the model's source, format or access is corrected")]
    [InlineData(FailureCode.RuntimeExited, "Start again")]
    public void Failures_repaired_outside_the_scheduler_offer_only_a_new_start(FailureCode code, string title) =>
        Assert.Equal([$"start-again: {title}"], Said(Ended(code), Make.Spec()));

    [Fact]
    public void PREEMPTED_spot_capacity_offers_another_route_or_no_spot()
    {
        var facts = Ended(FailureCode.Preempted) with { Offer = Make.Offer(spot: true) };

        Assert.Equal(
            [
                "start-again: Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z",
                "disallow-spot: Disallow spot capacity [spot capacity: allowed → not allowed]",
            ],
            Said(facts, Make.Spec(), new AvoidedRoute(Offer.Route, Until))
        );
        Assert.Equal(["start-again: Start again"], Said(Ended(FailureCode.Preempted), Make.Spec()));
    }

    [Fact]
    public void RUNTIME_START_TIMEOUT_offers_a_longer_timeout_up_to_the_maximum()
    {
        var day = TimeSpan.FromHours(24);
        var short1 = new RuntimeStartTimeoutFacts(Offer, TimeSpan.FromSeconds(90), Make.Model, "loading shard 3 of 9");
        var longest = new RuntimeStartTimeoutFacts(Offer, day, Make.Model, "loading shard 3 of 9");

        Assert.Equal(
            [
                "raise-start-timeout: Raise the start timeout to 180 s [start timeout: as configured → 180 s]",
                "start-again: Start again",
            ],
            Said(short1, Make.Spec())
        );
        Assert.Equal(["start-again: Start again"], Said(short1, Make.Spec() with { StartTimeout = day }));
        Assert.Equal(["start-again: Start again"], Said(longest, Make.Spec() with { StartTimeout = day }));
    }

    [Fact]
    public void RUNTIME_START_TIMEOUT_without_a_word_of_the_runtime_offers_another_route_first()
    {
        var silent = new RuntimeStartTimeoutFacts(Offer, TimeSpan.FromSeconds(90), Make.Model)
        {
            Next = new NextRoute(Next),
        };

        Assert.Equal(
            [
                "start-again: Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z, "
                    + "the next route is cloud/eu-north/L40S at 1.50 EUR/h",
                "raise-start-timeout: Raise the start timeout to 180 s [start timeout: as configured → 180 s]",
            ],
            Said(silent, Make.Spec(), new AvoidedRoute(Offer.Route, Until))
        );
    }

    [Theory]
    [InlineData(FailureCode.ProviderTimeout)]
    [InlineData(FailureCode.ProviderRejected)]
    [InlineData(FailureCode.RuntimeExited)]
    [InlineData(FailureCode.RuntimeStartTimeout)]
    [InlineData(FailureCode.Preempted)]
    public void A_failure_on_the_only_route_offers_what_admits_another_one_first(FailureCode code)
    {
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(1.3m) };
        var dearer = PlacementSolver.Solve(
            OfferSnapshot.Build([Next], 1),
            new PlacementRequest { Constraints = asked }
        );
        var next = new NextRoute(null, dearer.Relaxations);
        var rejection = new Rejection(RejectionKind.OutOfStock, "none left");
        var day = TimeSpan.FromDays(1);
        FailureFacts facts =
            code == FailureCode.ProviderTimeout ? new ProviderTimeoutFacts(Offer, day, 1, Until, next)
            : code == FailureCode.ProviderRejected ? new ProviderRejectedFacts(Offer, rejection, next)
            : code == FailureCode.RuntimeStartTimeout
                ? new RuntimeStartTimeoutFacts(Offer, day, Make.Model) { Next = next }
            : Ended(code) with { Next = next };

        var said = FailureCatalogue.Describe(facts);

        Assert.Contains("change max price 1.30 → 1.50 EUR/h", said.Hint);
        Assert.Equal(
            [
                "relax-1: Raise the max price to 1.50 EUR/h (best offer 1.50 EUR/h) "
                    + "[max price: 1.30 EUR/h → 1.50 EUR/h]",
                "start-again: Start again: cloud/eu-west/L40S ranks last until 2026-03-01 12:10:00Z",
            ],
            Said(facts, Make.Spec(asked), new AvoidedRoute(Offer.Route, Until)).Take(2)
        );
    }

    [Fact]
    public void BILLING_BELOW_MINIMUM_with_another_failure_offers_both_repairs_together()
    {
        var spec = Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(0.5m) });
        var noMatch = FailureCatalogue.Describe(NoMatchAt(0.5m, 2m));
        var facts = new BelowMinimumFacts(
            Make.Account(),
            Suspended: false,
            MicroEuro.Zero,
            MicroEuro.Zero,
            MicroEuro.Zero,
            Make.Euros(1m),
            null,
            null
        )
        {
            Also = noMatch,
        };

        var remedy = Assert.Single(Remedies.For(Failed(facts, spec)));

        Assert.Equal("relax-1", remedy.Id);
        // 1.00 is missing; 24 hours at 2.00, and 1.00 for one more launch.
        Assert.Equal(Make.Euros(50m), remedy.TopUp);
        Assert.StartsWith(
            "Top up 50.00 EUR; raise the max price to 2.00 EUR/h",
            remedy.Title,
            StringComparison.Ordinal
        );
        Assert.Equal(Make.Euros(2m), remedy.Spec!.Constraints.MaxPricePerHour);
        Assert.Contains("SMART_NO_MATCH", FailureCatalogue.Describe(facts).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(3, false)]
    public void SMART_NO_MATCH_tops_up_only_what_the_account_lacks_for_the_offer(int euros, bool isShort)
    {
        var spec = Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(0.5m) });
        var failed = Failed(NoMatchAt(0.5m, 2m), spec);
        var failure = failed.Failure!.Failure;
        var details = failure.Details.SetItem("available_micro_eur", $"{euros}000000");
        var record = failed with { Failure = failed.Failure with { Failure = failure with { Details = details } } };

        var remedy = Remedies.For(record)[0];

        Assert.Equal(isShort, remedy.TopUp is not null);
        Assert.Equal(isShort ? Make.Euros(1m) : null, remedy.LeastTopUp);
        Assert.Equal(Make.Euros(2m), remedy.Price);
    }

    [Fact]
    public void GPU_INCOMPATIBLE_beyond_the_longest_context_includes_what_the_launch_then_lacks()
    {
        var spec = Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(0.5m) }) with
        {
            ContextTokens = 1_000_000,
        };
        var facts = TooSmall(spec.Model, spec.ContextTokens, 1) with
        {
            Then = FailureCatalogue.Describe(NoMatchAt(0.5m, 2m)),
        };

        var remedy = Assert.Single(Remedies.For(Failed(facts, spec)));

        Assert.Equal(Make.Euros(2m), remedy.Spec!.Constraints.MaxPricePerHour);
        Assert.Equal(facts.SuggestedContextTokens, remedy.Spec.ContextTokens);
        Assert.Equal(Make.Euros(2m), remedy.Price);
        Assert.Equal(2, remedy.Changes.Length);
    }

    [Fact]
    public void BILLING_BELOW_MINIMUM_offers_a_top_up_or_a_cheaper_launch()
    {
        var facts = new BelowMinimumFacts(
            Make.Account(),
            Suspended: false,
            Make.Euros(1.2m),
            MicroEuro.Zero,
            MicroEuro.Zero,
            Make.Euros(1.5m),
            Next,
            Make.Offer(price: 1.1m)
        );

        Assert.Equal(
            [
                // 0.30 is missing; 24 hours at 1.50, and 1.50 for one more launch.
                "top-up: Top up 38.00 EUR and start again",
                "cheaper-offer: Set the max price to 1.10 EUR/h, for cloud/eu-west/L40S [max price: any → 1.10 EUR/h]",
            ],
            Said(facts, Make.Spec())
        );
        Assert.Equal(Make.Euros(38m), Remedies.For(Failed(facts, Make.Spec()))[0].TopUp);
        Assert.Equal(Make.Euros(0.3m), Remedies.For(Failed(facts, Make.Spec()))[0].LeastTopUp);
        // Without an offer, the price is unknown.
        Assert.Equal(
            "top-up: Top up 4.00 EUR and start again",
            Said(facts with { Chosen = null, Affordable = null }, Make.Spec())[0]
        );
        Assert.Equal(
            ["start-again: Start again once the operator has lifted the suspension"],
            Said(facts with { Suspended = true }, Make.Spec())
        );
    }

    [Fact]
    public void BALANCE_EXHAUSTED_offers_a_top_up()
    {
        var facts = new BalanceExhaustedFacts(Make.Account(), Make.Euros(-0.01m), Make.Euros(1.2m), Make.Euros(1.2m));

        Assert.Equal(["top-up: Top up 32.00 EUR and start again"], Said(facts, Make.Spec()));
    }

    [Fact]
    public void MODEL_NOT_FOUND_offers_the_model_that_was_meant()
    {
        Assert.Equal(
            [
                "use-model: Run the model Qwen/Qwen2.5-7B [model: Qwen2.5-7B → Qwen/Qwen2.5-7B]",
                "start-again: Start again once the model is registered",
            ],
            Said(new ModelUnknownFacts("Qwen2.5-7B"), Make.Spec() with { Model = "Qwen2.5-7B" })
        );
        Assert.Equal(
            ["start-again: Start again once the model is registered"],
            Said(new ModelUnknownFacts("nobody/knows-it"), Make.Spec() with { Model = "nobody/knows-it" })
        );
    }

    [Fact]
    public void Only_stopped_and_failed_instances_have_remedies_even_during_a_release()
    {
        var failed = Failed(Ended(FailureCode.RuntimeExited), Make.Spec());

        Assert.Equal(
            ["start: Start"],
            Remedies.For(failed with { State = InstanceState.Stopped, Failure = null }).Select(Said)
        );
        Assert.Equal(
            ["start-again: Start again"],
            Remedies
                .For(failed with { PendingCleanups = [new PendingCleanup { Kind = CleanupKind.Release }] })
                .Select(Said)
        );
        Assert.Equal(
            ["start-again: Start again"],
            Remedies.For(failed with { State = InstanceState.Stopped }).Select(Said)
        );
        Assert.Equal(["start-again: Start again"], Remedies.For(failed with { Failure = null }).Select(Said));
        Assert.All(
            Enum.GetValues<InstanceState>().Where(state => !state.MayChangeSpec()),
            state => Assert.Empty(Remedies.For(failed with { State = state }))
        );
    }

    private static GpuIncompatibleFacts TooSmall(string model, long contextTokens, int sequences) =>
        GpuIncompatibleFacts.Of(
            ModelCatalogue.Find(model)!,
            new LaunchPlan(null, KvFormat.Bf16, contextTokens, sequences, "vllm"),
            GpuCatalogue.Shipped.Find("A10"),
            1,
            GpuCatalogue.Shipped
        );

    private static LaunchSpec SpecOf(GpuIncompatibleFacts facts) =>
        Make.Spec(new SmartConstraints { GpuType = facts.Gpu, GpuCount = facts.GpuCount }) with
        {
            ContextTokens = facts.ContextTokens,
            ParallelSequences = facts.ParallelSequences,
        };

    private static RuntimeEndFacts Ended(FailureCode code, MemoryRemedy? remedy = null) =>
        new(code, Offer, Make.Model, 8192, new RuntimeExit { ExitCode = 1 }, "It ended", remedy);

    /// <summary>No offer below a price limit; the only one costs more.</summary>
    private static SmartNoMatchFacts NoMatchAt(decimal limit, decimal price)
    {
        var decision = PlacementSolver.Solve(
            OfferSnapshot.Build([Make.Offer(price: price)], 1),
            new PlacementRequest { Constraints = new SmartConstraints { MaxPricePerHour = Make.Euros(limit) } }
        );
        return SmartNoMatchFacts.Of(decision);
    }

    private static InstanceRecord Failed(FailureFacts facts, LaunchSpec spec, params AvoidedRoute[] avoided) =>
        new()
        {
            Id = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
            Generation = 3,
            State = InstanceState.Failed,
            Spec = spec,
            AvoidedRoutes = [.. avoided],
            Failure = new FailureRecord { Failure = FailureCatalogue.Describe(facts) },
        };

    private static FailedAttempt Attempt(FailureCode code, Route route, int run) => new(code, route, 1, run, 8192, 1);

    private static InstanceRecord After(InstanceRecord record, params FailedAttempt[] attempts) =>
        record with
        {
            PastFailures = new PastFailures([.. attempts]),
        };

    private static string[] Said(FailureFacts facts, LaunchSpec spec, params AvoidedRoute[] avoided) =>
        [.. Remedies.For(Failed(facts, spec, avoided)).Select(Said)];

    private static string Said(Remedy remedy)
    {
        var changes = remedy.Changes.Select(change => $"{change.Field}: {change.From} → {change.To}");
        return $"{remedy.Id}: {remedy.Title}{(remedy.Changes.IsEmpty ? "" : $" [{string.Join("; ", changes)}]")}";
    }
}
