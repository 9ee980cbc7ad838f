using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.DomainTests.Placement;
using Scheduler.ModelFit;
using Scheduler.TestKit;

namespace Scheduler.DomainTests.Instances;

/// <summary>Random failed instances from one printed seed, one for each failure code stored on instances.</summary>
internal sealed class SampleFailures(int seed)
{
    private static readonly string[] Models = ["Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-72B"];
    private static readonly string[] Misspelt = ["Qwen2.5-7B", "nobody/knows-it"];
    private static readonly int[] Counts = [1, 2, 4];

    private readonly Random _random = new(seed);
    private readonly Catalogues _catalogues = new(seed);

    /// <param name="isEdited">Whether the spec has changed since the failure.</param>
    public IEnumerable<(FailureCode Code, InstanceRecord Record)> OfEveryCode(bool isEdited)
    {
        var spec = Spec();
        var offer = _catalogues.Offer(1);
        var next = Next(spec);
        FailureFacts[] all =
        [
            TooPoor(offer),
            Incompatible(spec),
            SmartNoMatchFacts.Of(NoMatch(spec)),
            new ProviderTimeoutFacts(offer, Wait(), 1, DateTimeOffset.UnixEpoch, next),
            new ProviderRejectedFacts(offer, new Rejection(RejectionKind.Quota, "no"), next),
            .. new[]
            {
                FailureCode.OomKilled,
                FailureCode.ImagePullFailed,
                FailureCode.ModelLoadError,
                FailureCode.RuntimeExited,
                FailureCode.Preempted,
            }.Select(code => new RuntimeEndFacts(
                code,
                offer,
                spec.Model,
                spec.ContextTokens,
                null,
                "It ended",
                Memory()
            )
            {
                Next = next,
            }),
            new RuntimeStartTimeoutFacts(offer, Wait(), spec.Model) { Next = next },
            new BalanceExhaustedFacts(Make.Account(), Amount() - Amount(), offer.PricePerHour, offer.PricePerHour),
            new ModelUnknownFacts(Any(Misspelt)),
        ];
        return all.Select(facts => (facts.Code, Failed(facts, isEdited ? Spec() : spec, offer)));
    }

    private NextRoute? Next(LaunchSpec spec) =>
        _random.Next(3) switch
        {
            0 => null,
            1 => new NextRoute(_catalogues.Offer(2)),
            _ => new NextRoute(null, NoMatch(spec).Relaxations),
        };

    /// <summary>An instance without a matching offer, and the relaxations that were found.</summary>
    public (InstanceRecord Record, ImmutableArray<Relaxation> Relaxations) NoMatch()
    {
        var spec = Spec();
        var decision = NoMatch(spec);
        return (Failed(SmartNoMatchFacts.Of(decision), spec, _catalogues.Offer(1)), decision.Relaxations);
    }

    /// <summary>Removes all matching offers, so that only near misses remain.</summary>
    private PlacementDecision NoMatch(LaunchSpec spec)
    {
        var request = new PlacementRequest { Constraints = spec.Constraints, Top = int.MaxValue };
        var offers = _catalogues.Offers(_random.Next(40));
        var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);
        if (!decision.Matched)
        {
            return decision;
        }

        offers.RemoveAll(offer => decision.Ranked.Any(ranked => ranked.Offer == offer));
        return PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);
    }

    private InstanceRecord Failed(FailureFacts facts, LaunchSpec spec, Offer offer) =>
        new()
        {
            Id = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
            Generation = 3,
            State = _random.Next(3) == 0 ? InstanceState.Stopped : InstanceState.Failed,
            Spec = spec,
            AvoidedRoutes = _random.Next(2) == 0 ? [] : [new AvoidedRoute(offer.Route, DateTimeOffset.UnixEpoch)],
            Failure = new FailureRecord { Failure = FailureCatalogue.Describe(facts) },
        };

    private LaunchSpec Spec() =>
        new()
        {
            Model = Any(Models),
            WeightFormat = Maybe("fp8"),
            ContextTokens = _random.Next(1, 1_000_000),
            ParallelSequences = _random.Next(1, 64),
            Constraints = _catalogues.Constraints(),
            StartTimeout = _random.Next(2) == 0 ? null : Wait(),
        };

    private GpuIncompatibleFacts Incompatible(LaunchSpec spec)
    {
        var gpus = GpuCatalogue.Shipped.All;
        var facts = GpuIncompatibleFacts.Of(
            ModelCatalogue.Find(spec.Model)!,
            new LaunchPlan(null, KvFormat.Bf16, spec.ContextTokens, spec.ParallelSequences, spec.Runtime),
            Maybe(gpus[_random.Next(gpus.Length)]),
            Any(Counts),
            GpuCatalogue.Shipped
        );
        return _random.Next(2) == 0
            ? facts with
            {
                PricePerHour = Amount(),
            }
            : facts with
            {
                Loosenings = NoMatch(spec).Relaxations,
            };
    }

    private BelowMinimumFacts TooPoor(Offer offer) =>
        new(
            Make.Account(),
            Suspended: _random.Next(4) == 0,
            Amount(),
            MicroEuro.Zero,
            MicroEuro.Zero,
            Amount(),
            offer,
            Maybe(_catalogues.Offer(3))
        );

    private MemoryRemedy? Memory()
    {
        var gpus = GpuCatalogue.Shipped.All;
        return Maybe(
            new MemoryRemedy(
                _random.Next(2) == 0 ? null : _random.Next(1, 100_000),
                Maybe(gpus[_random.Next(gpus.Length)].Name),
                Any(Counts),
                _random.Next(2) == 0 ? null : Amount(),
                NoMatch(Spec()).Relaxations.FirstOrDefault()
            )
        );
    }

    private TimeSpan Wait() => TimeSpan.FromSeconds(_random.Next(1, 86_400));

    private MicroEuro Amount() => new(_random.Next(0, 10_000_000));

    private T? Maybe<T>(T item)
        where T : class => _random.Next(2) == 0 ? null : item;

    private T Any<T>(T[] items) => items[_random.Next(items.Length)];
}
