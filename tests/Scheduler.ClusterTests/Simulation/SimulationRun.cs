using Scheduler.Grains;
using Scheduler.TestKit;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>One simulation of a seed: some minutes with faults, then a calm period, then the checks.</summary>
internal sealed class SimulationRun
{
    private const int SilosWanted = 3;
    private static readonly TimeSpan Troubles = TimeSpan.FromSeconds(150);

    /// <summary>Longest time to settle: the deadlines, the safety age, a sweep, and retries on top.</summary>
    private static readonly TimeSpan LongestCalm = TimeSpan.FromMinutes(15);

    private readonly SimulationOracle _oracle;
    private readonly SimulatedStore _store;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedClients _clients;
    private int _silosMade;
    private bool _isCalm;

    private SimulationRun(int seed, TextWriter? transcript)
    {
        World = new SimulatedWorld(seed) { Transcript = transcript };
        World.FaultRates = FaultRates.Of(World.Random);
        _oracle = new SimulationOracle(World);
        _store = new SimulatedStore(World, _oracle);
        _network = new SimulatedNetwork(World);
        _clients = new SimulatedClients(World, _network);
        _oracle.Providers.Add(
            new UnreliableProvider(
                "alpha",
                World,
                _oracle,
                Make.Offer("alpha"),
                Make.Offer("alpha", "eu-north", price: 1.5m)
            )
        );
        _oracle.Providers.Add(
            new UnreliableProvider("bravo", World, _oracle, Make.Offer("bravo", price: 1.3m, spot: true))
        );
    }

    public SimulatedWorld World { get; }

    public int Acknowledged => _clients.AcknowledgedCommands.Count;

    /// <summary>Runs one seed to its end on the calling thread.</summary>
    /// <param name="transcript">Receives every step; null for none.</param>
    public static SimulationRun Live(int seed, TextWriter? transcript = null)
    {
        // With the caller's context the continuations would not run on the simulation's schedulers.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var simulation = new SimulationRun(seed, transcript);
            simulation.Live();
            return simulation;
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private void Live()
    {
        for (var i = 0; i < SilosWanted; i++)
        {
            StartSilo();
        }

        _clients.Begin(4);
        World.After(TimeSpan.FromSeconds(1), InjectFaults);
        World.Run(Troubles);

        World.Record("now   all faults end");
        _isCalm = true;
        World.FaultRates = FaultRates.Calm;
        _clients.End();
        _oracle.Providers.ForEach(provider => provider.Behave());
        if (!World.RunUntil(() => _clients.AreDone && _oracle.IsAtRest(_store), LongestCalm))
        {
            World.Violate("INV-03: the state does not settle");
            return;
        }

        _oracle.CheckAtRest(_store, _clients.AcknowledgedCommands);
    }

    private void StartSilo()
    {
        var silo = new SimulatedSilo(
            $"silo{++_silosMade}",
            World,
            _network,
            _store,
            _oracle.Providers,
            new SchedulerOptions
            {
                Launch = { RouteCooldown = TimeSpan.FromSeconds(20) },
                Billing = { SettleEvery = TimeSpan.FromSeconds(45) },
            }
        );
        _network.Silos.Add(silo);
        silo.Begin();
    }

    /// <summary>Decides once a second on faults of silos, activations, machines and clocks.</summary>
    private void InjectFaults()
    {
        if (_isCalm)
        {
            return;
        }

        if (
            World.Happens(World.FaultRates.SiloFaults)
            && _network.Silos.Where(silo => silo.IsRunning).ToList() is { Count: > 0 } living
        )
        {
            InjectSiloFault(living[World.Random.Next(living.Count)]);
        }

        if (World.Happens(World.FaultRates.LocalFaults))
        {
            _network.AnyActivation()?.Deactivate(new DeactivationReason(DeactivationReasonCode.ActivationIdle, "idle"));
        }

        if (World.Happens(World.FaultRates.LocalFaults))
        {
            _oracle.Providers[World.Random.Next(2)].FailRandomMachine();
        }

        World.After(TimeSpan.FromSeconds(1), InjectFaults);
    }

    private void InjectSiloFault(SimulatedSilo silo)
    {
        switch (World.Random.Next(5))
        {
            case 0:
                silo.SetClock(World.Between(-86_400, 86_400));
                break;
            case 1 or 2:
                // The silo is declared dead while it runs: for a time each of its grains may have two activations.
                silo.DeclareDead();
                World.After(World.Between(0.1, 20), silo.Kill);
                World.After(World.Between(0.5, 15), StartSilo);
                break;
            default:
                silo.Kill();
                World.After(World.Between(0.5, 10), silo.DeclareDead);
                World.After(World.Between(0.5, 15), StartSilo);
                break;
        }
    }
}
