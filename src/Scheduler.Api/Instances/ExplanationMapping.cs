using Scheduler.Api.Failures;
using Scheduler.Api.Providers;
using Scheduler.Grains.Instances;
using Scheduler.ModelFit;

namespace Scheduler.Api.Instances;

internal static class ExplanationMapping
{
    public static V1.LaunchExplanation ToProto(this LaunchExplanation explanation)
    {
        var proto = new V1.LaunchExplanation
        {
            WouldLaunch = explanation.WouldLaunch,
            Failure = explanation.Failure?.ToProto(),
            Billing = explanation.Billing is { } billing ? ToProto(billing) : null,
            Compatibility = explanation.Compatibility is { } fit ? ToProto(fit) : null,
            CatalogueEpoch = explanation.CatalogueEpoch,
            OffersIn = explanation.OffersIn,
            OffersMatching = explanation.OffersMatching,
            WouldWait = explanation.WouldWait,
            Wait = explanation.Wait?.ToProto(explanation.Place),
        };
        proto.Funnel.AddRange(
            explanation.Funnel.Select(line => new V1.FunnelStage
            {
                Constraint = line.Constraint,
                Wanted = line.Wanted,
                RemovedHere = line.RemovedHere,
                RemovedAlone = line.RemovedAlone,
                Left = line.Left,
            })
        );
        proto.Ranked.AddRange(
            explanation.Ranked.Select(line => new V1.RankedOffer
            {
                Rank = line.Rank,
                Offer = line.Offer.ToProto(),
                Cooling = line.Cooling,
                Why = line.Why,
            })
        );
        proto.Relaxations.AddRange(explanation.Relaxations.Select(ToProto));
        proto.Refused.AddRange(explanation.Refused.Select(ToProto));
        return proto;
    }

    private static V1.BillingCheck ToProto(BillingCheck check) =>
        new()
        {
            BalanceMicroEur = check.Balance.Value,
            AccruedMicroEur = check.Accrued.Value,
            HoldsMicroEur = check.Holds.Value,
            NeededMicroEur = check.Needed.Value,
            Enough = check.Enough,
        };

    private static V1.CompatibilityCheck ToProto(CompatibilityCheck check)
    {
        var proto = new V1.CompatibilityCheck
        {
            Model = check.Model,
            GpuType = check.GpuType,
            GpuCount = check.GpuCount,
            WeightFormat = check.WeightFormat,
            UsableBytes = check.UsableBytes,
            Verdict = check.Verdict switch
            {
                FitOutcome.Fits => V1.FitVerdict.Fits,
                FitOutcome.Tight => V1.FitVerdict.Tight,
                FitOutcome.CannotFit => V1.FitVerdict.CannotFit,
                FitOutcome.Uncertain => V1.FitVerdict.Uncertain,
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            SmallestThatFits = check.SmallestThatFits ?? "",
        };
        if (check.LargestContext is { } tokens)
        {
            proto.LargestContextTokens = tokens;
        }

        if (check is { CacheTokens: { } cache, ExpectedConcurrency: { } together, TypicalRequestTokens: { } typical })
        {
            (proto.CacheTokens, proto.ExpectedConcurrency, proto.TypicalRequestTokens) = (cache, together, typical);
        }

        proto.Lines.AddRange(
            check.Lines.Select(line => new V1.BudgetLine
            {
                Name = line.Name,
                LowBytes = line.LowBytes,
                ExpectedBytes = line.ExpectedBytes,
                HighBytes = line.HighBytes,
            })
        );
        return proto;
    }

    private static V1.Relaxation ToProto(RelaxationLine line)
    {
        var proto = new V1.Relaxation
        {
            Text = line.Text,
            OffersThen = line.OffersThen,
            BestThen = line.BestThen?.ToProto(),
        };
        proto.Changes.AddRange(
            line.Changes.Select(change => new V1.RelaxedConstraint
            {
                Constraint = change.Constraint,
                From = change.From,
                To = change.To,
            })
        );
        proto.Leaves.AddRange(line.Leaves);
        return proto;
    }

    private static V1.RefusedOffer ToProto(RefusedOfferLine line)
    {
        var proto = new V1.RefusedOffer { Offer = line.Offer.ToProto() };
        proto.Failing.AddRange(
            line.Failing.Select(failed => new V1.FailedConstraint
            {
                Constraint = failed.Constraint,
                Wanted = failed.Wanted,
                Has = failed.Has,
                Margin = failed.Margin,
            })
        );
        return proto;
    }
}
