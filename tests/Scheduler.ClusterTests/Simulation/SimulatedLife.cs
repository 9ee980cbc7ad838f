using Scheduler.Grains;
using Scheduler.TestKit;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>One seed's whole life: some minutes of troubles, then calm, then the reckoning.</summary>
internal sealed class SimulatedLife
{
    private const int SilosWanted = 3;
    private static readonly TimeSpan Troubles = TimeSpan.FromSeconds(150);

    /// <summary>Longest way to rest: the deadlines, the safety age, a sweep, and retries on top.</summary>
    private static readonly TimeSpan LongestCalm = TimeSpan.FromMinutes(15);

    private readonly SimulationOracle _oracle;
    private readonly SimulatedStore _store;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedClients _clients;
    private int _silosMade;
    private bool _isCalm;

    private SimulatedLife(int seed, TextWriter? transcript)
    {
        World = new SimulatedWorld(seed) { Transcript = transcript };
        World.Weather = Weather.Of(World.Random);
        _oracle = new SimulationOracle(World);
        _store = new SimulatedStore(World, _oracle);
        _network = new SimulatedNetwork(World);
        _clients = new SimulatedClients(World, _network);
        _oracle.Providers.Add(
            new WhimsicalProvider(
                "alpha",
                World,
                _oracle,
                Make.Offer("alpha"),
                Make.Offer("alpha", "eu-north", price: 1.5m)
            )
        );
        _oracle.Providers.Add(
            new WhimsicalProvider("bravo", World, _oracle, Make.Offer("bravo", price: 1.3m, spot: true))
        );
    }

    /// <summary>The world it happened in.</summary>
    public SimulatedWorld World { get; }

    /// <summary>How many commands were acknowledged.</summary>
    public int Acknowledged => _clients.Told.Count;

    /// <summary>Lives one seed through, on the calling thread.</summary>
    /// <param name="seed">Which.</param>
    /// <param name="transcript">Where every step is written, or null.</param>
    public static SimulatedLife Live(int seed, TextWriter? transcript = null)
    {
        // A context of the caller's would take the continuations away from the simulation's schedulers.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var simulation = new SimulatedLife(seed, transcript);
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
        World.After(TimeSpan.FromSeconds(1), Befall);
        World.Run(Troubles);

        World.Tell("now   all calms down");
        _isCalm = true;
        World.Weather = Weather.Calm;
        _clients.End();
        _oracle.Providers.ForEach(provider => provider.Behave());
        if (!World.RunUntil(() => _clients.AreDone && _oracle.IsAtRest(_store), LongestCalm))
        {
            World.Violate("INV-03: it does not come to rest");
            return;
        }

        _oracle.CheckAtRest(_store, _clients.Told);
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

    /// <summary>Once a second: does anything befall a silo, an activation, a machine, a clock?</summary>
    private void Befall()
    {
        if (_isCalm)
        {
            return;
        }

        if (
            World.Happens(World.Weather.SiloTrouble)
            && _network.Silos.Where(silo => silo.IsRunning).ToList() is { Count: > 0 } living
        )
        {
            BefallSilo(living[World.Random.Next(living.Count)]);
        }

        if (World.Happens(World.Weather.Mishaps))
        {
            _network.AnyActivation()?.Deactivate(new DeactivationReason(DeactivationReasonCode.ActivationIdle, "idle"));
        }

        if (World.Happens(World.Weather.Mishaps))
        {
            _oracle.Providers[World.Random.Next(2)].Mishap();
        }

        World.After(TimeSpan.FromSeconds(1), Befall);
    }

    private void BefallSilo(SimulatedSilo silo)
    {
        switch (World.Random.Next(5))
        {
            case 0:
                silo.SetClock(World.Between(-2, 2));
                break;
            case 1 or 2:
                // Taken for dead while it lives: for a while each of its grains may be there twice.
                silo.Bury();
                World.After(World.Between(0.1, 20), silo.Kill);
                World.After(World.Between(0.5, 15), StartSilo);
                break;
            default:
                silo.Kill();
                World.After(World.Between(0.5, 10), silo.Bury);
                World.After(World.Between(0.5, 15), StartSilo);
                break;
        }
    }
}
