using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-1, P-2 and P-4: the cost of one placement decision, compared with the simplest code with the same answer. It uses
/// its own loop and not BenchmarkDotNet, because the targets are percentiles of single decisions over many different
/// requests.
/// </summary>
public static class PlacementFigures
{
    private const int Seed = 20_261_123;
    private const int DistinctRequests = 256;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);
    private static readonly int[] Sizes = [1_700, 15_000, 100_000];

    /// <param name="args">Catalogue sizes; without any, 1,700, 15,000 and 100,000.</param>
    public static void Run(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var sizes =
            args.Length == 0 ? Sizes : Array.ConvertAll(args, arg => int.Parse(arg, CultureInfo.InvariantCulture));
        Console.WriteLine(
            $"seed {Seed}, {DistinctRequests} distinct requests of 5 constraints (and `available`), 3 offers ranked"
        );
        Console.WriteLine();
        Console.WriteLine("| # | offers | what | p50 | p99 | baseline p50 | p50 ratio |");
        Console.WriteLine("|---|---:|---|---:|---:|---:|---:|");
        foreach (var size in sizes)
        {
            Decisions(size);
        }

        Console.WriteLine();
        Console.WriteLine(
            "| # | offers | build, median | its CPU | replace one provider, median | its CPU | bytes an offer |"
        );
        Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var size in sizes)
        {
            Refreshes(size);
        }
    }

    private static void Decisions(int size)
    {
        var offers = SyntheticOffers.Make(size, Seed);
        var snapshot = OfferSnapshot.Build(offers, 1);
        var (matching, refused) = Requests(snapshot, new Random(Seed));
        const int Rounds = 20_000;
        var baselineRounds = Math.Max(3_000_000 / size, 20);
        Row("P-1", size, "match", matching, Rounds, Decide, baselineRounds, request => Naive(offers, request));
        Row(
            "P-1, P-2",
            size,
            "no match",
            refused,
            Rounds / 4,
            Decide,
            baselineRounds / 8,
            request => Subsets(offers, request)
        );

        void Decide(PlacementRequest request) => PlacementSolver.Solve(snapshot, request);
    }

    private static void Row(
        string number,
        int size,
        string what,
        PlacementRequest[] requests,
        int rounds,
        Action<PlacementRequest> ours,
        int baselineRounds,
        Action<PlacementRequest> baseline
    )
    {
        var (p50, p99) = Percentiles(requests, rounds, ours);
        var (naive, _) = Percentiles(requests, Math.Max(baselineRounds, 9), baseline);
        Console.WriteLine(
            $"| {number} | {size:n0} | {what} | {p50:n1} µs | {p99:n1} µs | {naive:n0} µs | {naive / p50:n0} × |"
        );
    }

    private static (PlacementRequest[] Matching, PlacementRequest[] Refused) Requests(
        OfferSnapshot snapshot,
        Random random
    )
    {
        var fits = Enumerable
            .Range(0, 16)
            .Select(i => new ShapeFit(shape => SyntheticOffers.Fits(shape, 10 + (20 * i))))
            .ToArray();
        var matching = new List<PlacementRequest>();
        var refused = new List<PlacementRequest>();
        while (matching.Count < DistinctRequests || refused.Count < DistinctRequests)
        {
            var request = SyntheticOffers.Request(random, fits);
            if (refused.Count <= matching.Count)
            {
                // Large markets have a match for almost every request: half of the requests therefore offer less money
                // than any offer costs.
                var most = new MicroEuro(random.Next(1, 40) * 10_000L);
                request = request with { Constraints = request.Constraints with { MaxPricePerHour = most } };
            }

            (PlacementSolver.Solve(snapshot, request).Matched ? matching : refused).Add(request);
        }

        return ([.. matching.Take(DistinctRequests)], [.. refused.Take(DistinctRequests)]);
    }

    private static (double P50, double P99) Percentiles(
        PlacementRequest[] requests,
        int rounds,
        Action<PlacementRequest> decide
    )
    {
        // Long enough for the background compilation of the last tier, with its profile.
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; Stopwatch.GetElapsedTime(begun) < WarmUp; i++)
        {
            decide(requests[i % requests.Length]);
        }

        var ticks = new long[rounds];
        for (var i = 0; i < rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            decide(requests[i % requests.Length]);
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }

        Array.Sort(ticks);
        return (Microseconds(ticks[rounds / 2]), Microseconds(ticks[rounds * 99 / 100]));
    }

    private static void Refreshes(int size)
    {
        var offers = SyntheticOffers.Make(size, Seed);
        var provider = new ProviderId("provider-03");
        var fresh = offers.FindAll(offer => offer.Provider == provider);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var snapshot = OfferSnapshot.Build(offers, 1);
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        var (build, buildCpu) = Median(() => OfferSnapshot.Build(offers, 2));
        var (replace, replaceCpu) = Median(() => snapshot.WithProvider(provider, fresh, 2));
        Console.WriteLine(
            $"| P-4 | {size:n0} | {build:n1} ms | {buildCpu:n1} ms | {replace:n1} ms | {replaceCpu:n1} ms | {bytes / (double)size:n1} |"
        );
    }

    /// <summary>
    /// Wall time, which a busy machine inflates, and CPU time including garbage collection, which it does not inflate.
    /// </summary>
    private static (double Milliseconds, double CpuMilliseconds) Median(Func<OfferSnapshot> refresh)
    {
        var ticks = new long[15];
        var cpu = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < ticks.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            GC.KeepAlive(refresh());
            ticks[i] = Stopwatch.GetTimestamp() - start;
        }

        cpu = Environment.CpuUsage.TotalTime - cpu;
        Array.Sort(ticks);
        return (Microseconds(ticks[ticks.Length / 2]) / 1000, cpu.TotalMilliseconds / ticks.Length);
    }

    private static double Microseconds(long ticks) => ticks * 1e6 / Stopwatch.Frequency;

    /// <summary>Filter and sort; no funnel, no certificate.</summary>
    private static List<Offer> Naive(List<Offer> offers, PlacementRequest request) =>
        [
            .. offers
                .Where(offer => RefusedBy(offer, request) == 0)
                .OrderBy(offer => offer.PricePerHour)
                .ThenBy(offer => request.Constraints.GpuPreferences.Contains(offer.GpuType) ? 0 : 1)
                .ThenBy(offer => offer.Provider.Value, StringComparer.Ordinal)
                .ThenBy(offer => offer.OfferId, StringComparer.Ordinal)
                .Take(request.Top),
        ];

    /// <summary>
    /// Tries every subset of the four relaxable constraints, smallest first, and checks for a match without it.
    /// </summary>
    private static List<int> Subsets(List<Offer> offers, PlacementRequest request)
    {
        var minimal = new List<int>();
        foreach (var subset in Enumerable.Range(0, 1 << 4).OrderBy(set => BitOperations.PopCount((uint)set)))
        {
            if (
                !minimal.Exists(smaller => (smaller & subset) == smaller)
                && offers.Exists(offer => (RefusedBy(offer, request) & ~subset) == 0)
            )
            {
                minimal.Add(subset);
            }
        }

        return minimal;
    }

    private static int RefusedBy(Offer offer, PlacementRequest request)
    {
        var asked = request.Constraints;
        return (offer.PricePerHour <= asked.MaxPricePerHour ? 0 : 1)
            | (asked.Regions.Contains(offer.Region) ? 0 : 2)
            | (offer.Tier >= asked.MinimumTier ? 0 : 4)
            | (asked.SpotAllowed || !offer.Spot ? 0 : 8)
            | (request.Fit.Fits(new GpuShape(offer.GpuType, offer.GpuCount)) ? 0 : 16)
            | (offer.Available > 0 ? 0 : 32);
    }
}
