using System.Globalization;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Instances;

/// <summary>
/// The launch checks: collects the facts and applies the three rules of the domain. <c>Start</c>, re-routing and <c>explain</c> use the
/// same code, so that the explanation matches the launch.
/// </summary>
internal sealed class LaunchChecks(
    OfferCatalogue catalogue,
    ModelLibrary models,
    ModelTeaching teaching,
    IOptions<SchedulerOptions> options
)
{
    private LaunchThreshold Threshold => options.Value.Billing.Threshold;

    /// <summary>Checks compatibility and placement: returns the best offer or the failure.</summary>
    public async ValueTask<Placed> PlaceAsync(
        InstanceRecord record,
        IGrainFactory grains,
        DateTimeOffset now,
        int top = 2
    )
    {
        await catalogue.OpenAsync();
        var view = catalogue.For(record.Account);
        var named = view.Names.Check(record.Spec);
        if (
            await teaching.ModelOfAsync(record with { Spec = named.Spec }, record.PastFailures, grains) is not { } model
        )
        {
            return new Placed { Failure = FailureCatalogue.Describe(new ModelUnknownFacts(record.Spec.Model)) };
        }

        var page = view.Page;
        var avoided = record.AvoidedRoutes.Where(avoided => avoided.Until > now).ToList();
        var state = page.State with
        {
            Avoided = [.. avoided.Where(avoided => !avoided.IsWholeProvider).Select(avoided => avoided.Route)],
            AvoidedProviders =
            [
                .. avoided.Where(avoided => avoided.IsWholeProvider).Select(avoided => avoided.Route.Provider),
            ],
        };
        return Solve(model, named, page with { State = state }, top);
    }

    /// <summary>
    /// An offer that is likely to hold the model, if there is one. Otherwise one on which only the lower edge of the estimate fits: a cheaper
    /// machine that probably runs out of memory is no choice, but the only one is permitted. Without any offer, the proposed changes are
    /// those that lead to a likely one, if there are such.
    /// </summary>
    private Placed Solve(LaunchModel model, CheckedSpec named, OfferCataloguePage page, int top)
    {
        var likely = Solve(model, named, page, top, isLikely: true);
        if (likely.Offer is not null)
        {
            return likely;
        }

        var possible = Solve(model, named, page, top, isLikely: false);
        if (possible.Offer is not null)
        {
            return possible;
        }

        if (likely.Decision is { Relaxations: { IsEmpty: false } changes })
        {
            possible = possible with { Decision = possible.Decision! with { Relaxations = changes } };
        }

        var failure = FailureOf(possible, named, page);
        var isMistake = failure.Code != FailureCode.SmartNoMatch || !named.Faults.IsEmpty;
        return possible with { Failure = failure, IsCuredByTime = !isMistake };
    }

    /// <summary>One solution; without an offer it has no failure yet.</summary>
    private Placed Solve(LaunchModel model, CheckedSpec named, OfferCataloguePage page, int top, bool isLikely)
    {
        var request = new PlacementRequest
        {
            Constraints = named.Spec.Constraints,
            Fit = models.FitOf(model, isLikely),
            State = page.State,
            Top = top,
        };
        var decision = PlacementSolver.Solve(page.Snapshot, request);
        return new Placed
        {
            Model = model,
            Request = request,
            Snapshot = page.Snapshot,
            Decision = decision,
            Offer = decision.Chosen,
            Why = decision.Matched ? WhyOf(decision) : "",
            ModelSource = model.Source,
        };
    }

    /// <summary>
    /// The failure of a launch for which no offer was found. If the account has too little money for any launch, that is the failure.
    /// Otherwise it is the given one, with the account's money added, so that its remedies can name the missing amount.
    /// </summary>
    public async Task<Failure> WithMoneyAsync(AccountId account, Failure found, IGrainFactory grains)
    {
        var seen = await grains.Account(account).GetAsync(null);
        return seen.IsOk ? WithMoney(seen.Value, found) : found;
    }

    /// <inheritdoc cref="WithMoneyAsync"/>
    public Failure WithMoney(AccountView view, Failure found) =>
        BelowThreshold(view, found)
        ?? found with
        {
            Details = found.Details.SetItem(
                "available_micro_eur",
                view.Available.Value.ToString(CultureInfo.InvariantCulture)
            ),
        };

    /// <param name="also">The failure that the launch would have with enough money.</param>
    private Failure? BelowThreshold(AccountView view, Failure also) =>
        view.Suspended || view.Available < Threshold.Minimum
            ? FailureCatalogue.Describe(
                new BelowMinimumFacts(
                    view.Id,
                    view.Suspended,
                    view.Balance,
                    view.Accrued,
                    view.Holds,
                    Threshold.Minimum,
                    null,
                    null
                )
                {
                    Also = also,
                }
            )
            : null;

    /// <summary>The failure when a hold was refused: the missing amount, and the best offer that the account can pay.</summary>
    public Failure BelowMinimum(InstanceRecord record, HoldAnswer held, MicroEuro needed, Offer offer, Placed placed)
    {
        var available = held.Balance - held.Accrued - held.Holds;
        var affordable =
            available >= Threshold.Minimum
            && !held.Suspended
            && placed is { Snapshot: { } snapshot, Request: { } request }
                ? PlacementSolver.CheapestWithin(snapshot, request, available)
                : null;
        return FailureCatalogue.Describe(
            new BelowMinimumFacts(
                record.Account,
                held.Suspended,
                held.Balance,
                held.Accrued,
                held.Holds,
                needed,
                offer,
                affordable
            )
        );
    }

    /// <summary>
    /// Where a start goes with the failed route ranked last; for the hint and the remedies of that failure. When no other route matches,
    /// the changes that admit another provider.
    /// </summary>
    public async ValueTask<NextRoute?> NextRouteAsync(
        InstanceRecord record,
        AvoidedRoute avoid,
        IGrainFactory grains,
        DateTimeOffset now
    )
    {
        var then = record with { AvoidedRoutes = record.AvoidedRoutes.Add(avoid) };
        var placed = await PlaceAsync(then, grains, now);
        if (placed.Decision is { Ranked: [{ RankedLast: false, Offer: var next }, ..] })
        {
            return new NextRoute(next);
        }

        if (placed is not { Request: { } request, Snapshot: { } snapshot })
        {
            return null;
        }

        // As if the provider were out of service: then every change leads to another one.
        var without = request with
        {
            State = request.State with { BreakerOpen = request.State.BreakerOpen.Add(avoid.Route.Provider) },
        };
        var likely = PlacementSolver.Solve(snapshot, without with { Fit = models.FitOf(placed.Model!, true) });
        return new NextRoute(
            null,
            likely.Relaxations.IsEmpty ? PlacementSolver.Solve(snapshot, without).Relaxations : likely.Relaxations
        );
    }

    /// <summary>A configuration that fits, after the runtime ran out of memory; null when the model or GPU is unknown.</summary>
    public async ValueTask<MemoryRemedy?> RemedyForAsync(InstanceRecord record, IGrainFactory grains)
    {
        var offer = record.Intent!.Offer;
        var past = PastFailures.With(record, FailureCode.OomKilled);
        if (
            GpuCatalogue.Shipped.Find(offer.GpuType) is not { } gpu
            || await teaching.ModelOfAsync(record, record.PastFailures, grains) is not { } before
            || await teaching.ModelOfAsync(record, past, grains) is not { } model
        )
        {
            return null;
        }

        var estimate = GpuFit.Judge(before.Facts, before.Request, gpu, offer.GpuCount);
        var remedy = OomRemedy.For(model.Facts, model.Request, gpu, offer.GpuCount, GpuCatalogue.Shipped);
        var least = OomRemedy.LeastAfter(checked(gpu.VramBytes * offer.GpuCount));
        var unbound = record.Spec.Constraints with { GpuType = null, GpuCount = null };
        var search = SearchOn(unbound, catalogue.For(record.Account).Page, shape => IsComfortable(model, shape, least));
        var nearest = search.Relaxations.FirstOrDefault();
        return (search.Chosen ?? nearest?.Best) is { } larger
            ? new MemoryRemedy(
                remedy.ContextTokens,
                larger.GpuType,
                larger.GpuCount,
                larger.PricePerHour,
                nearest,
                estimate
            )
            : new MemoryRemedy(remedy.ContextTokens, remedy.Gpu, remedy.GpuCount ?? 0, null, null, estimate);
    }

    /// <summary>
    /// The cheapest offer on GPUs that pass a test, or the smallest changes of the constraints that leave one. A hint must name an available
    /// offer, so that following it works.
    /// </summary>
    private static PlacementDecision SearchOn(
        SmartConstraints constraints,
        OfferCataloguePage page,
        Func<GpuShape, bool> isSuitable
    ) =>
        PlacementSolver.Solve(
            page.Snapshot,
            new PlacementRequest
            {
                Constraints = constraints,
                Fit = new ShapeFit(isSuitable),
                State = page.State,
                Top = 1,
            }
        );

    private static bool IsComfortable(LaunchModel model, GpuShape shape, long leastBytes) =>
        GpuCatalogue.Shipped.Find(shape.GpuType) is { IsCuda: true } gpu
        && checked(gpu.VramBytes * shape.GpuCount) >= leastBytes
        && GpuFit.Judge(model.Facts, model.Request, gpu, shape.GpuCount).Outcome == FitOutcome.Fits;

    /// <summary>
    /// The failure of a placement without a match: either the model fits none of the remaining offers, or no offer meets the constraints.
    /// </summary>
    private Failure FailureOf(Placed placed, CheckedSpec named, OfferCataloguePage page)
    {
        var model = placed.Model!;
        if (!placed.Decision!.NoShapeFits && model.Request.Validate(model.Facts) is null)
        {
            var unknown = named.Faults.Select(fault => fault.Description);
            return FailureCatalogue.Describe(SmartNoMatchFacts.Of(placed.Decision) with { Unknown = [.. unknown] });
        }

        var spec = named.Spec;
        var gpu = spec.Constraints.GpuType is { } name ? GpuCatalogue.Shipped.Find(name) : null;
        var facts = GpuIncompatibleFacts.Of(
            model.Facts,
            model.Request,
            gpu,
            spec.Constraints.GpuCount,
            GpuCatalogue.Shipped
        );
        var unbound = spec.Constraints with { GpuType = null, GpuCount = null };
        facts = SearchOn(unbound, page, shape => IsComfortable(model, shape, 0)).Chosen is { } offer
            ? facts with
            {
                SmallestGpu = offer.GpuType,
                SmallestGpuCount = offer.GpuCount,
                PricePerHour = offer.PricePerHour,
                Loosenings = placed.Decision.Relaxations.RemoveAll(change => !change.Leaves.IsEmpty),
            }
            : facts with
            {
                Loosenings = placed.Decision.Relaxations,
            };
        return FailureCatalogue.Describe(WithSuggestedContext(facts, model, named, page));
    }

    /// <summary>
    /// Adds what a launch with the suggested context would find. A context that fits the GPU but that no offer serves is not suggested.
    /// </summary>
    private GpuIncompatibleFacts WithSuggestedContext(
        GpuIncompatibleFacts facts,
        LaunchModel model,
        CheckedSpec named,
        OfferCataloguePage page
    )
    {
        if (facts.SuggestedContextTokens is not { } context)
        {
            return facts;
        }

        var then = With(context);
        if (then.Offer is { } tight && LikelyContextOn(then.Model!, tight) is { } less)
        {
            facts = facts with { LargestContextTokens = less };
            then = With(less);
        }

        return then.Offer is { } offer ? facts with { SuggestedContextPrice = offer.PricePerHour }
            : facts.RequestRefusal is null ? facts with { LargestContextTokens = null }
            : facts with
            {
                Then = then.Failure,
                SmallestGpu = null,
                SmallestGpuCount = null,
                PricePerHour = null,
                Loosenings = [],
                FormatThatFits = null,
            };

        Placed With(long tokens) =>
            Solve(
                model with
                {
                    Request = model.Request with { ContextTokens = tokens },
                },
                named with
                {
                    Spec = named.Spec with { ContextTokens = tokens },
                },
                page,
                1
            );
    }

    /// <summary>
    /// A smaller context with which a launch is likely to fit an offer; null when it is already, and when none is.
    /// </summary>
    private static long? LikelyContextOn(LaunchModel model, Offer offer) =>
        GpuCatalogue.Shipped.Find(offer.GpuType) is { } gpu
        && GpuFit.Judge(model.Facts, model.Request, gpu, offer.GpuCount) is var verdict
        && verdict.ExpectedBytes > verdict.UsableBytes
            ? GpuFit.LargestContextThatFits(model.Facts, model.Request, gpu, offer.GpuCount)
            : null;

    private static string WhyOf(PlacementDecision decision)
    {
        var best = decision.Ranked[0];
        var matching = decision.Funnel.OffersOut;
        var among = matching == 1 ? "the only matching offer" : $"best of {matching} matching offers";
        var why = $"{best.Offer.Route} at {best.Offer.PricePerHour} EUR/h, {among}";
        return best.RankedLast ? why + ", although its route failed lately: no other matches" : why;
    }
}
