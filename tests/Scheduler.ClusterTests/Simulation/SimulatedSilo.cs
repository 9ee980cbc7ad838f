using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Core;
using Orleans.Timers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Health;
using Scheduler.Grains.Providers;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// One silo: its services with the wiring of the host, its activations and its background services. A killed silo stops
/// in the middle of its work. A silo that is declared dead continues until it learns of that.
/// </summary>
internal sealed class SimulatedSilo : IGrainRuntime, ITimerRegistry
{
    private static readonly TimeSpan KeepEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TendEvery = TimeSpan.FromSeconds(3);

    private readonly SimulatedWorld _world;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedStore _store;
    private readonly Turns _keepers;
    private readonly Dictionary<GrainId, SimulatedActivation> _activations = [];
    private readonly List<SimulatedActivation> _everActive = [];
    private readonly SimulatedClock _machine;
    private readonly SteadyClock _clock;
    private readonly string _name;

    public SimulatedSilo(
        string name,
        SimulatedWorld world,
        SimulatedNetwork network,
        SimulatedStore store,
        IEnumerable<IProvider> providers,
        SchedulerOptions options
    )
    {
        (_name, _world, _network, _store) = (name, world, network, store);
        _machine = new SimulatedClock(world, world.Between(-86_400, 86_400));
        _clock = SteadyClock.Continue(_machine, store);
        _keepers = new Turns(world);
        Grains = new GrainReferences(network.RuntimeOf(this));
        var services = new ServiceCollection();
        services.AddSingleton<IGrainRuntime>(this);
        services.AddSingleton<ITimerRegistry>(this);
        services.AddSingleton<IGrainFactory>(Grains);
        services.AddSingleton<TimeProvider>(_clock);
        services.AddSingleton(Options.Create(options));
        services.AddSingleton<ILoggerFactory>(new WorldLog(world, name));
        services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        services.AddSingleton<IAgenda>(store);
        services.AddSingleton<IStoredClock>(store);
        services.AddSingleton<IAccountRows>(store);
        services.AddSingleton<IQuotaRows>(store);
        services.AddSingleton<IInstanceIndex>(store);
        services.AddSingleton<IEventLog>(store);
        foreach (var provider in providers)
        {
            services.AddSingleton(provider);
        }

        services.AddSchedulerGrains();
        Services = services.BuildServiceProvider();
    }

    public ServiceProvider Services { get; }

    /// <summary>References through which its grains make calls.</summary>
    public GrainReferences Grains { get; }

    public bool IsRunning { get; private set; } = true;

    /// <summary>Whether the others consider it alive.</summary>
    public bool IsMember { get; private set; } = true;

    public string SiloIdentity => _name;

    public SiloAddress SiloAddress => throw new NotSupportedException();

    public IGrainFactory GrainFactory => Grains;

    public ITimerRegistry TimerRegistry => this;

    public IServiceProvider ServiceProvider => Services;

    public TimeProvider TimeProvider => _clock;

    /// <summary>Starts its background services.</summary>
    public void Begin()
    {
        _world.Record($"silo  {this} starts");
        _keepers.Begin(KeepAgendaAsync);
        _keepers.Begin(TendProvidersAsync);
        _keepers.Begin(KeepClockAsync);
    }

    /// <summary>Stops it in the middle of its work; the others notice later.</summary>
    public void Kill()
    {
        _world.Record($"silo  {this} is killed");
        IsRunning = false;
        _keepers.Abort();
        // Work started by a deactivated activation was still in progress.
        _everActive.ForEach(activation => activation.Abort());
    }

    public void DeclareDead()
    {
        IsMember = false;
        _network.DeclareDead(this);
    }

    public void SetClock(TimeSpan error)
    {
        _world.Record($"silo  {this} has its clock off by {error.TotalSeconds} s");
        _machine.Error = error;
    }

    /// <summary>Whether an activation may be placed here: the first offer listing must precede launches.</summary>
    public bool MayHost(GrainId grain) =>
        grain.Type.ToString() == "provider" || Services.GetRequiredService<OfferCatalogue>().Opened.IsCompleted;

    /// <summary>The running activation of a grain here, or null.</summary>
    public SimulatedActivation? Find(GrainId grain) => _activations.GetValueOrDefault(grain);

    public SimulatedActivation Activate(GrainId grain)
    {
        var activation = _activations[grain] = new SimulatedActivation(_world, _network, this, grain);
        _everActive.Add(activation);
        activation.Begin();
        return activation;
    }

    public void Forget(SimulatedActivation activation)
    {
        if (ReferenceEquals(_activations.GetValueOrDefault(activation.GrainId), activation))
        {
            _activations.Remove(activation.GrainId);
        }
    }

    /// <summary>Creates the grain of an activation as Orleans does: in its context, with its states.</summary>
    public object Make(SimulatedActivation activation)
    {
        var arguments = activation
            .Class.GetConstructors()
            .Single()
            .GetParameters()
            .Select(parameter => ArgumentFor(parameter, activation))
            .OfType<object>()
            .ToArray();
        SetExecutionContext(null, activation, out var before);
        try
        {
            return ActivatorUtilities.CreateInstance(Services, activation.Class, arguments);
        }
        finally
        {
            SetExecutionContext(null, before, out _);
        }
    }

    public void DeactivateOnIdle(IGrainContext grainContext) =>
        grainContext.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "asked for"));

    public void DelayDeactivation(IGrainContext grainContext, TimeSpan timeSpan) { }

    public IStorage<TGrainState> GetStorage<TGrainState>(IGrainContext grainContext) =>
        throw new NotSupportedException();

    public IDisposable RegisterTimer(
        IGrainContext grainContext,
        Func<object?, Task> asyncCallback,
        object? state,
        TimeSpan dueTime,
        TimeSpan period
    ) => throw new NotSupportedException();

    public IGrainTimer RegisterGrainTimer<TState>(
        IGrainContext grainContext,
        Func<TState, CancellationToken, Task> callback,
        TState state,
        GrainTimerCreationOptions options
    ) => new GrainTimer(this, (SimulatedActivation)grainContext, token => callback(state, token), options);

    public override string ToString() => _name;

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    private static extern void SetExecutionContext(
        [UnsafeAccessorType("Orleans.Runtime.RuntimeContext, Orleans.Core.Abstractions")] object? type,
        IGrainContext? next,
        out IGrainContext? before
    );

    private object? ArgumentFor(ParameterInfo parameter, SimulatedActivation activation)
    {
        if (parameter.ParameterType == typeof(IGrainContext))
        {
            return activation;
        }

        if (parameter.GetCustomAttribute<PersistentStateAttribute>() is not { } stored)
        {
            return null;
        }

        var type = typeof(SimulatedState<>).MakeGenericType(parameter.ParameterType.GenericTypeArguments);
        var state = (SimulatedState)Activator.CreateInstance(type, _store, activation, stored.StateName)!;
        activation.States.Add(state);
        return state;
    }

    /// <summary>
    /// Does the work of <see cref="AgendaService"/> without its parallel loop on the thread pool. A cluster test covers
    /// the class itself.
    /// </summary>
    private async Task KeepAgendaAsync()
    {
        for (var isFirst = true; ; )
        {
            try
            {
                var due = await _store.DueAsync(
                    isFirst ? DateTimeOffset.MaxValue : _clock.GetUtcNow(),
                    AgendaShare.Whole,
                    512,
                    CancellationToken.None
                );
                var answers = await Task.WhenAll(due.Select(WakeAsync));
                await _store.SettleAsync(answers, CancellationToken.None);
                isFirst = false;
            }
            catch (Exception exception)
            {
                _world.Record($"silo  {this} cannot read the agenda: {exception.Message}");
            }

            await Task.Delay(KeepEvery, _clock);
        }
    }

    private async Task<(AgendaItem, DateTimeOffset?)> WakeAsync(AgendaItem item)
    {
        try
        {
            return (item, await Grains.GetGrain<IWakeable>(GrainId.Create(item.Kind, item.Id)).WakeAsync());
        }
        catch (Exception exception)
        {
            _world.Record($"silo  {this} cannot wake {item.Id}: {exception.Message}");
            return (item, _clock.GetUtcNow() + TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>Does the work of <see cref="ClockKeeper"/> for the store.</summary>
    private async Task KeepClockAsync()
    {
        while (true)
        {
            await _store.WriteAsync(_clock.GetUtcNow(), _clock.Wall, CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(5), _clock);
        }
    }

    private async Task TendProvidersAsync()
    {
        var catalogue = Services.GetRequiredService<OfferCatalogue>();
        while (true)
        {
            foreach (var id in Services.GetServices<IProvider>().Select(provider => provider.Id))
            {
                try
                {
                    var grain = Grains.GetGrain<IProviderMaintenance>($"provider-{id}");
                    await grain.MaintainAsync();
                    if (await grain.GetSnapshotAsync(catalogue.VersionOf(id)) is { } sheet)
                    {
                        catalogue.Publish(id, sheet);
                    }
                }
                catch (Exception exception)
                {
                    _world.Record($"silo  {this} cannot maintain {id}: {exception.Message}");
                }
            }

            await Task.Delay(catalogue.Opened.IsCompleted ? TendEvery : KeepEvery, _clock);
        }
    }

    private sealed class GrainTimer : IGrainTimer
    {
        private readonly ITimer _timer;

        public GrainTimer(
            SimulatedSilo silo,
            SimulatedActivation activation,
            Func<CancellationToken, Task> callback,
            GrainTimerCreationOptions options
        ) =>
            _timer = silo._clock.CreateTimer(
                _ => activation.Tick(() => callback(CancellationToken.None), options.Interleave),
                null,
                options.DueTime,
                options.Period
            );

        public void Change(TimeSpan dueTime, TimeSpan period) => _timer.Change(dueTime, period);

        public void Dispose() => _timer.Dispose();
    }
}
