using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.ModelFit;
using Scheduler.Providers.Simulated;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Random launches that fail on the simulated market, each followed by its first remedy without further thought. Memory decides
/// whether a runtime dies: the market knows a true size of the cache that the scheduler does not.
/// </summary>
public sealed class RepairHarnessTests
{
    private const int FirstSeed = 1;

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(5);

    /// <summary>How long a run must serve to count as repaired.</summary>
    private static readonly TimeSpan Proof = TimeSpan.FromSeconds(30);

    private static readonly string[] Models =
    [
        .. ModelCatalogue.Names.Where(name => ModelCatalogue.Find(name) is { Parameters: < 100_000_000_000 }),
    ];

    /// <summary>One in 40 routes of the market, drawn with a fixed seed.</summary>
    private static readonly (string Vendor, string Region, string Gpu)[] FaultyRoutes = DrawRoutes(new Random(1));

    [Fact]
    public Task First_remedies_repair_failed_launches() => RepairAsync(30, 0.85);

    /// <summary>Reached: 955. The table in the README of the domain's instances explains the misses.</summary>
    [Fact(Explicit = true)]
    public Task First_remedies_repair_a_thousand_failed_launches() => RepairAsync(1_000, 0.95);

    private static async Task RepairAsync(int failures, double leastShare)
    {
        await using var scheduler = await TestScheduler.DeployAsync(AddMarket);
        var tally = new SortedDictionary<string, (int All, int Repaired)>(StringComparer.Ordinal);
        var misses = new StringBuilder();
        for (var seed = FirstSeed; tally.Values.Sum(count => count.All) < failures; seed++)
        {
            if (await TryAsync(scheduler, new Random(seed), seed) is not { } attempt)
            {
                continue;
            }

            var code = attempt.Before.Failure!.Failure.Code.WireName();
            var (all, repaired) = tally.GetValueOrDefault(code);
            tally[code] = (all + 1, repaired + (attempt.IsRepaired ? 1 : 0));
            if (!attempt.IsRepaired)
            {
                misses.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"seed {seed}: {code} on {RouteOf(attempt.Before)}, {attempt.Remedy}, then on {RouteOf(attempt.After)} {attempt.After.Failure?.Failure.Code}: {attempt.After.Failure?.Failure.Message}"
                );
            }
        }

        var table = string.Join('\n', tally.Select(pair => $"{pair.Key}: {pair.Value.Repaired} of {pair.Value.All}"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{table}\n{misses}");
        var sum = tally.Values.Sum(count => count.Repaired);
        Assert.True(sum >= leastShare * failures, $"{sum} of {failures} repaired.\n{table}\n{misses}");
    }

    /// <returns>Null when the launch succeeded.</returns>
    private static async Task<Attempt?> TryAsync(TestScheduler scheduler, Random random, int seed)
    {
        var euros = random.Next(6) == 0 ? 0.2m * random.Next(6) : 500m;
        var account = await scheduler.AccountAsync($"a{seed}", euros);
        var id = scheduler.NewInstanceId();
        var created = await scheduler.TryCreateAsync(account, id, SpecOf(random));
        if (!created.IsOk)
        {
            // The spec names what no offer or engine has: a mistake that a create refuses.
            return null;
        }

        await scheduler.LaunchAsync(id);
        var before = await EndAsync(scheduler, id);
        Attempt? attempt = null;
        if (before.State == InstanceState.Failed && Remedies.For(before) is [var first, ..])
        {
            if (first.TopUp is { } amount)
            {
                await scheduler.TopUpAsync(account, amount, "remedy");
            }

            await scheduler.Grains.Instance(id).RepairAsync(new RepairInstance(first.Id, null), scheduler.As(null));
            var after = await EndAsync(scheduler, id);
            attempt = new Attempt(before, first.Title, after);
        }

        await scheduler.StopAsync(id);
        await scheduler.SettledAsync(id, InstanceState.Stopped, Step);
        return attempt;
    }

    /// <summary>Waits until the launch failed or served for a while.</summary>
    private static async Task<InstanceRecord> EndAsync(TestScheduler scheduler, InstanceId id)
    {
        var ended = await scheduler.UntilAsync(id, IsOver, "it fails or serves", Step);
        if (ended.State == InstanceState.Running)
        {
            var until = scheduler.Clock.GetUtcNow() + Proof;
            ended = await scheduler.UntilAsync(
                id,
                record => record.State == InstanceState.Failed || scheduler.Clock.GetUtcNow() >= until,
                "it proves to serve",
                Step
            );
        }

        return ended;

        static bool IsOver(InstanceRecord record) => record.State is InstanceState.Running or InstanceState.Failed;
    }

    private static LaunchSpec SpecOf(Random random)
    {
        var faulty = random.Next(4) == 0 ? Pick(random, FaultyRoutes) : default;
        var market = Make.Spec(
            new SmartConstraints
            {
                MaxPricePerHour =
                    faulty.Gpu is null && random.Next(3) == 0 ? Make.Euros(0.1m + (0.2m * random.Next(10))) : null,
                GpuType =
                    faulty.Gpu
                    ?? (random.Next(4) == 0 ? Pick(random, ["L4", "A10", "RTX4090", "A100-80GB-SXM"]) : null),
                GpuCount = random.Next(4) == 0 ? 1 << random.Next(4) : null,
                Providers =
                    faulty.Vendor is { } vendor ? [SimulatedMapping.IdPrefix + vendor]
                    : random.Next(5) == 0 ? [Pick(random, ["sim-lambda", "sim-runpod", "sim-vastai"])]
                    : [],
                SpotAllowed = random.Next(2) == 0,
            }
        );
        return market with
        {
            Model = Pick(random, Models),
            ContextTokens = 1L << random.Next(10, 18),
            ParallelSequences = 1 << random.Next(0, 5),
        };
    }

    private static string RouteOf(InstanceRecord record) =>
        record.Intent is { } intent ? $"{intent.Offer.GpuCount}×{intent.Offer.Route}" : "nothing";

    private static T Pick<T>(Random random, T[] among) => among[random.Next(among.Length)];

    private static (string Vendor, string Region, string Gpu)[] DrawRoutes(Random random) =>
        [
            .. MarketData
                .Read(MarketData.Embedded())
                .OfType<MarketRow>()
                .Select(row =>
                    (
                        row.Vendor,
                        row.Region,
                        Gpu: GpuCatalogue.Shipped.Resolve(row.Gpu, row.VramGib, row.InstanceType)?.Name
                    )
                )
                .Where(route => route.Gpu is not null)
                .Select(route => (route.Vendor, route.Region, route.Gpu!))
                .Distinct()
                .Where(_ => random.Next(40) == 0),
        ];

    /// <summary>A fault holds for its route, as in life: another route cures it, and the same route does not.</summary>
    private static SimulatedFault FaultOf((string Vendor, string Region, string Gpu) route, int number)
    {
        var match = new SimulatedMatch
        {
            Provider = route.Vendor,
            Region = route.Region,
            GpuType = route.Gpu,
        };
        return (number % 6) switch
        {
            0 => new SimulatedFault { Match = match, OutOfStock = true },
            1 => new SimulatedFault { Match = match, NeverAnswer = true },
            2 => new SimulatedFault { Match = match, QuotaExceeded = true },
            3 => new SimulatedFault { Match = match, ExitAfter = TimeSpan.FromSeconds(5) },
            4 => new SimulatedFault { Match = match, SpotReclaimAfter = TimeSpan.FromSeconds(5) },
            _ => new SimulatedFault { Match = match, BootTime = TimeSpan.FromHours(3) },
        };
    }

    private static void AddMarket(TestScheduler scheduler)
    {
        var options = new SimulatedOptions
        {
            Vendors = [],
            ServeRuntime = false,
            AllocateLatency = TimeSpan.FromSeconds(2),
            BootTime = TimeSpan.FromSeconds(20),
            Faults =
            [
                .. FaultyRoutes.Select((route, i) => FaultOf(route, i)),
                .. Models
                    .Where((_, i) => i % 24 == 0)
                    .Select(model => new SimulatedFault
                    {
                        Match = new() { Model = model },
                        CacheFactor = 2,
                    }),
            ],
        };
        var market = new SimulatedMarket(
            options,
            (gpu, vram, type) => GpuCatalogue.Shipped.Resolve(gpu, vram, type)?.Name,
            scheduler.Clock,
            NullLogger<SimulatedMarket>.Instance
        );
        foreach (var id in SimulatedMarket.ProviderIds(options))
        {
            scheduler.OtherProviders.Add(market.Provider(id));
        }
    }

    private sealed record Attempt(InstanceRecord Before, string Remedy, InstanceRecord After)
    {
        internal bool IsRepaired => After.State == InstanceState.Running;
    }
}
