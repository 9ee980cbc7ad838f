using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>
/// The provider contract on the simulated cloud with a state file. A restart is a second market over the same file.
/// </summary>
public sealed class SimulatedConformanceTests : ProviderConformance
{
    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("simulated-provider-");
    private readonly List<SimulatedMarket> _markets = [];

    protected override IProvider Open()
    {
        var options = new SimulatedOptions
        {
            StatePath = Path.Combine(_state.FullName, "cloud.jsonl"),
            Vendors = ["lambda"],
            CapacityPerOffer = 3,
            Faults =
            [
                Rule(RuntimeBehaviour.NeverReady, new SimulatedFault { BootTime = TimeSpan.FromDays(1) }),
                Rule(RuntimeBehaviour.OomAtLoad, new SimulatedFault { OomAtLoad = true }),
                Rule(RuntimeBehaviour.ModelLoadError, new SimulatedFault { ModelLoadError = true }),
                Rule(RuntimeBehaviour.Exits, new SimulatedFault { ExitAfter = TimeSpan.Zero }),
            ],
        };
        var rows = Enum.GetValues<RuntimeBehaviour>()
            .Select(behaviour => new MarketRow("lambda", "r", "H100", 1, 80, "on_demand", 2m, behaviour.ToString()));
        var market = new SimulatedMarket(
            options,
            (gpu, _, _) => gpu,
            TimeProvider.System,
            NullLogger<SimulatedMarket>.Instance,
            rows
        );
        _markets.Add(market);
        return market.Provider("sim-lambda");
    }

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, InstanceOf(key)),
            SmallMarket.Offer("sim-lambda", OfferIdOf(behaviour)),
            new RuntimeSpec { Model = "m", ServingName = "tiny" }
        );

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _markets.ForEach(market => market.Dispose());
        _state.Delete(recursive: true);
    }

    private static SimulatedFault Rule(RuntimeBehaviour behaviour, SimulatedFault rule)
    {
        rule.Match = new SimulatedMatch { OfferId = OfferIdOf(behaviour) };
        return rule;
    }

    private static string OfferIdOf(RuntimeBehaviour behaviour) => $"r/{behaviour}/H100x1/on_demand";
}
