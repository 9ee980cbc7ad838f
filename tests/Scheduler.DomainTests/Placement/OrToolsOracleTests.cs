using Google.OrTools.Sat;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

/// <summary>An independent oracle: the same problem as a 0/1 program for CP-SAT.</summary>
public sealed class OrToolsOracleTests
{
    private static readonly string[] Fixed = ["available", "provider_health", "fits_gpu"];

    [Fact]
    public void The_cheapest_price_equals_the_CP_SAT_optimum()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var catalogues = new Catalogues(seed);
            var offers = catalogues.Offers(150);
            var request = catalogues.Request() with { State = PlacementState.None };

            var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);

            Assert.Equal(CheapestPrice(offers, request), decision.Chosen?.PricePerHour.Value);
        }
    }

    [Fact]
    public void The_minimal_relaxations_equal_those_of_CP_SAT()
    {
        var without = 0;
        for (var seed = 0; without < 25; seed++)
        {
            var catalogues = new Catalogues(seed);
            var offers = catalogues.Offers(25);
            var request = catalogues.Request();
            var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);
            if (decision.Matched)
            {
                continue;
            }

            without++;
            var ours = decision.Relaxations.Select(relaxation =>
                string.Join('+', relaxation.Edits.Select(edit => edit.Constraint).Order(StringComparer.Ordinal))
            );
            Assert.Equal(Enumerate(offers, request), ours.Order(StringComparer.Ordinal));
        }
    }

    /// <summary>
    /// One variable per offer, exactly one taken; every constraint admits the taken offer; minimal price.
    /// </summary>
    private static long? CheapestPrice(List<Offer> offers, PlacementRequest request)
    {
        var model = new CpModel();
        var take = offers.ConvertAll(offer => model.NewBoolVar(offer.OfferId));
        model.AddExactlyOne(take);
        foreach (var (_, admits) in NaivePlacement.Constraints(request))
        {
            model.Add(LinearExpr.Sum(take.Where((_, i) => !admits(offers[i]))) == 0);
        }

        model.Minimize(LinearExpr.WeightedSum(take, offers.Select(offer => offer.PricePerHour.Value)));
        var solver = NewSolver();
        return solver.Solve(model) == CpSolverStatus.Optimal ? (long)Math.Round(solver.ObjectiveValue) : null;
    }

    /// <summary>
    /// One more variable per constraint: loosened or not. Finds the smallest set, then forbids it and its supersets.
    /// </summary>
    private static List<string> Enumerate(List<Offer> offers, PlacementRequest request)
    {
        var model = new CpModel();
        var take = offers.ConvertAll(offer => model.NewBoolVar(offer.OfferId));
        model.AddExactlyOne(take);
        var loosened = new Dictionary<string, BoolVar>(StringComparer.Ordinal);
        foreach (var (name, admits) in NaivePlacement.Constraints(request))
        {
            var loose = loosened[name] = model.NewBoolVar(name);
            foreach (var refused in take.Where((_, i) => !admits(offers[i])))
            {
                model.AddImplication(refused, loose);
            }

            if (Fixed.Contains(name))
            {
                model.Add(loose == 0);
            }
        }

        model.Minimize(LinearExpr.Sum(loosened.Values));
        var found = new List<string>();
        while (true)
        {
            var solver = NewSolver();
            if (solver.Solve(model) != CpSolverStatus.Optimal)
            {
                found.Sort(StringComparer.Ordinal);
                return found;
            }

            var set = loosened.Where(pair => solver.BooleanValue(pair.Value)).ToList();
            found.Add(string.Join('+', set.Select(pair => pair.Key).Order(StringComparer.Ordinal)));
            model.AddBoolOr(set.Select(pair => pair.Value.Not()));
        }
    }

    private static CpSolver NewSolver() => new() { StringParameters = "num_workers:1,random_seed:1" };
}
