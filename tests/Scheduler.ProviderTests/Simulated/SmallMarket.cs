using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>Small simulated markets for tests.</summary>
internal static class SmallMarket
{
    internal const string Cluster = "cluster-a";

    /// <summary>One vendor with one on-demand and one spot offer.</summary>
    internal static SimulatedMarket Market(TimeProvider clock, SimulatedOptions? options = null)
    {
        options ??= new SimulatedOptions();
        options.Vendors = ["lambda"];
        return new SimulatedMarket(
            options,
            (gpu, _, _) => gpu,
            clock,
            NullLogger<SimulatedMarket>.Instance,
            [
                new MarketRow("lambda", "r", "H100", 1, 80, "on_demand", 2m, "m"),
                new MarketRow("lambda", "r", "H100", 1, 80, "spot", 1m, "m"),
            ]
        );
    }

    internal static Offer Offer(string provider, string offerId) =>
        new(new ProviderId(provider), offerId, "r", "H100", 1, CapacityTier.Standard, false, MicroEuro.Zero, 1);

    internal static AllocationRequest Request(string key, bool spot = false) =>
        new(
            new AllocationKey(key),
            new AllocationTag(Cluster, new InstanceId("i-x")),
            Offer("sim-lambda", spot ? "r/m/H100x1/spot" : "r/m/H100x1/on_demand"),
            new RuntimeSpec
            {
                Model = "m",
                ServingName = "tiny",
                ContextTokens = 100,
            }
        );
}
