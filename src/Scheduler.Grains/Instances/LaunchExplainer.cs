using System.Globalization;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains.Billing;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Instances;

/// <summary>Explains a launch: runs the checks of a start, without side effects, and returns each result.</summary>
internal sealed class LaunchExplainer(LaunchChecks checks, IOptions<SchedulerOptions> options)
{
    private const int RankedShown = 20;

    /// <summary>Tokens of a request with its answer: most chats and retrievals stay below it.</summary>
    private const long TypicalRequestTokens = 2048;

    /// <summary>Cheapest refused offers shown.</summary>
    private const int RefusedShown = 20;

    public async Task<LaunchExplanation> ExplainAsync(InstanceRecord record, IGrainFactory grains, DateTimeOffset now)
    {
        var placed = await checks.PlaceAsync(record, grains, now, RankedShown);
        var account = await grains.Account(record.Account).GetAsync(null);
        var billing = account.IsOk ? BillingOf(account.Value, placed.Offer, record) : null;
        var explanation = new LaunchExplanation { Billing = billing };
        if (placed is { Decision: { } decision, Snapshot: { } snapshot, Request: { } request })
        {
            explanation = explanation with
            {
                Compatibility = CompatibilityOf(placed, snapshot, request),
                Funnel = [.. FunnelOf(decision.Funnel)],
                Ranked = [.. decision.Ranked.Select(LineOf)],
                Relaxations = [.. decision.Relaxations.Select(LineOf)],
                Refused = [.. RefusedOf(snapshot, request)],
                CatalogueEpoch = snapshot.Epoch,
                OffersIn = decision.Funnel.OffersIn,
                OffersMatching = decision.Funnel.OffersOut,
            };
        }

        var failure = account.IsOk ? FailureOf(record, placed, account.Value) : placed.Failure;
        var isWaiting = record.State == InstanceState.Waiting;
        return explanation with
        {
            Failure = failure,
            WouldLaunch = failure is null,
            WouldWait =
                placed.IsCuredByTime
                && failure?.Code == placed.Failure?.Code
                && InstanceDecisions.MayWait(record, isNew: true, now),
            Wait = isWaiting ? record.Wait : null,
            Place = isWaiting ? await grains.Fleet().WaitingPlaceAsync(record.Account, record.Id) : null,
        };
    }

    private Failure? FailureOf(InstanceRecord record, Placed placed, AccountView account)
    {
        // As for a start: without an offer, the minimum of any launch is checked before fit and placement; with one, its hold decides.
        if (placed.Offer is not { } offer)
        {
            return checks.WithMoney(account, placed.Failure!);
        }

        var hold = options.Value.Billing.Threshold.HoldFor(offer.PricePerHour);
        var held = new HoldAnswer(false, account.Suspended, account.Balance, account.Accrued, account.Holds);
        return account.Suspended || account.Available < hold
            ? checks.BelowMinimum(record, held, hold, offer, placed)
            : null;
    }

    private BillingCheck BillingOf(AccountView account, Offer? offer, InstanceRecord record)
    {
        var threshold = options.Value.Billing.Threshold;
        var needed = offer is null ? threshold.Minimum : threshold.HoldFor(offer.PricePerHour);
        // The meter starts and ends shortly after the instance records it, so the difference may be negative.
        var own = record is { RunningSince: not null, RunningUntil: null, Intent: { } intent }
            ? intent.PriceSnapshot
            : MicroEuro.Zero;
        return new BillingCheck
        {
            Balance = account.Balance,
            Accrued = account.Accrued,
            Holds = account.Holds,
            Needed = needed,
            Enough = !account.Suspended && account.Available >= needed,
            OtherBurnPerHour = MicroEuro.Max(MicroEuro.Zero, account.BurnPerHour - own),
        };
    }

    /// <summary>The memory budget on the offer that a start would choose, or on the requested GPUs.</summary>
    private static CompatibilityCheck? CompatibilityOf(Placed placed, OfferSnapshot snapshot, PlacementRequest request)
    {
        var model = placed.Model!;
        var asked = request.Constraints;
        var name = placed.Offer?.GpuType ?? asked.GpuType;
        var example =
            name is null ? GpuFit.SmallestThatFits(model.Facts, model.Request, GpuCatalogue.Shipped)
            : GpuCatalogue.Shipped.Find(name) is { } known
                ? new GpuGroup(known, placed.Offer?.GpuCount ?? asked.GpuCount ?? 1)
            : null;
        if (example is not { Gpu: { } gpu, Count: var count })
        {
            return null;
        }

        var smallest = PlacementSolver.SmallestMatching(snapshot, request);
        var verdict = GpuFit.Judge(model.Facts, model.Request, gpu, count);
        var room = GpuFit.RoomFor(model.Facts, model.Request, gpu, count, TypicalRequestTokens);
        return new CompatibilityCheck
        {
            Model = model.Facts.Name,
            GpuType = gpu.Name,
            GpuCount = count,
            WeightFormat = FormatNames.Name(model.Request.Format ?? model.Facts.NativeFormat),
            UsableBytes = verdict.UsableBytes,
            Lines =
            [
                .. (GpuFit.Budget(model.Facts, model.Request, count, gpu)?.Lines ?? []).Select(line => new BudgetLine(
                    line.Purpose.ToString(),
                    line.LowBytes,
                    line.ExpectedBytes,
                    line.HighBytes
                )),
            ],
            Verdict = verdict.Outcome,
            LargestContext = GpuFit.LargestContextThatFits(model.Facts, model.Request, gpu, count),
            CacheTokens = room?.Tokens,
            ExpectedConcurrency = room?.Requests,
            TypicalRequestTokens = room?.RequestTokens,
            SmallestThatFits = smallest is null ? null : $"{smallest.GpuCount}×{smallest.GpuType}",
        };
    }

    private static IEnumerable<FunnelLine> FunnelOf(Funnel funnel)
    {
        var left = funnel.OffersIn;
        foreach (var stage in funnel.Stages.Where(stage => stage.Asked))
        {
            left -= stage.Removed;
            yield return new FunnelLine(stage.Constraint, stage.Reason, stage.Removed, stage.RemovedAlone, left);
        }
    }

    private static RankedOfferLine LineOf(RankedOffer ranked) =>
        new(ranked.Place, ranked.Offer, ranked.RankedLast, $"ranked by {ranked.Criterion}");

    private static RelaxationLine LineOf(Relaxation relaxation) =>
        new(
            relaxation.ToString(),
            [.. relaxation.Edits.Select(edit => new RelaxedConstraint(edit.Constraint, edit.From, edit.To))],
            relaxation.Offers,
            relaxation.Best
        );

    private static IEnumerable<RefusedOfferLine> RefusedOf(OfferSnapshot snapshot, PlacementRequest request) =>
        snapshot
            .Offers()
            .Select(offer => WhyNot.Of(offer, request))
            .Where(answer => !answer.Matches)
            .Take(RefusedShown)
            .Select(answer => new RefusedOfferLine(
                answer.Offer,
                [
                    .. answer.Misses.Select(miss => new FailedConstraint(
                        miss.Constraint,
                        miss.Wanted,
                        miss.Offered,
                        miss.Margin is { } margin
                            ? string.Create(CultureInfo.InvariantCulture, $"{margin} {miss.Unit}")
                            : ""
                    )),
                ]
            ));
}
