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
using Scheduler.Grains.Providers;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// One silo: its services as the host wires them, its activations, its keepers. Killed, it is gone in the middle of whatever it did; taken
/// for dead, it goes on until it learns of it.
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
    private readonly SimulatedClock _clock;
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
        _clock = new SimulatedClock(world, world.Between(-0.2, 0.2));
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
        services.AddSingleton<IAccountRows>(store);
        services.AddSingleton<IInstanceIndex>(store);
        services.AddSingleton<IEventLog>(store);
        foreach (var provider in providers)
        {
            services.AddSingleton(provider);
        }

        services.AddSchedulerGrains();
        Services = services.BuildServiceProvider();
    }

    /// <summary>Its services.</summary>
    public ServiceProvider Services { get; }

    /// <summary>What its grains call through.</summary>
    public GrainReferences Grains { get; }

    /// <summary>Whether it does anything at all.</summary>
    public bool IsRunning { get; private set; } = true;

    /// <summary>Whether the others take it for alive.</summary>
    public bool IsMember { get; private set; } = true;

    /// <inheritdoc/>
    public string SiloIdentity => _name;

    /// <inheritdoc/>
    public SiloAddress SiloAddress => throw new NotSupportedException();

    /// <inheritdoc/>
    public IGrainFactory GrainFactory => Grains;

    /// <inheritdoc/>
    public ITimerRegistry TimerRegistry => this;

    /// <inheritdoc/>
    public IServiceProvider ServiceProvider => Services;

    /// <inheritdoc/>
    public TimeProvider TimeProvider => _clock;

    /// <summary>Begins its keepers.</summary>
    public void Begin()
    {
        _world.Tell($"silo  {this} starts");
        _keepers.Begin(KeepAgendaAsync);
        _keepers.Begin(TendProvidersAsync);
    }

    /// <summary>Ends it in the middle of whatever it does; the others notice later.</summary>
    public void Kill()
    {
        _world.Tell($"silo  {this} is killed");
        IsRunning = false;
        _keepers.Die();
        // What a gone activation had begun was still going on.
        _everActive.ForEach(activation => activation.Die());
    }

    /// <summary>The others take it for dead.</summary>
    public void Bury()
    {
        IsMember = false;
        _network.Bury(this);
    }

    /// <summary>Its clock is set.</summary>
    public void SetClock(TimeSpan error)
    {
        _world.Tell($"silo  {this} has its clock off by {error.TotalSeconds} s");
        _clock.Error = error;
    }

    /// <summary>Whether an activation may be placed here: the first listing opens the book before launches come in.</summary>
    public bool MayHost(GrainId grain) =>
        grain.Type.ToString() == "provider" || Services.GetRequiredService<OfferBook>().Opened.IsCompleted;

    /// <summary>The living activation of a grain here, or null.</summary>
    public SimulatedActivation? Find(GrainId grain) => _activations.GetValueOrDefault(grain);

    /// <summary>Makes an activation.</summary>
    public SimulatedActivation Activate(GrainId grain)
    {
        var activation = _activations[grain] = new SimulatedActivation(_world, _network, this, grain);
        _everActive.Add(activation);
        activation.Begin();
        return activation;
    }

    /// <summary>An activation is no more.</summary>
    public void Forget(SimulatedActivation activation)
    {
        if (ReferenceEquals(_activations.GetValueOrDefault(activation.GrainId), activation))
        {
            _activations.Remove(activation.GrainId);
        }
    }

    /// <summary>Makes the grain of an activation, as Orleans does: in its context, with its states.</summary>
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

    /// <inheritdoc/>
    public void DeactivateOnIdle(IGrainContext grainContext) =>
        grainContext.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "asked for"));

    /// <inheritdoc/>
    public void DelayDeactivation(IGrainContext grainContext, TimeSpan timeSpan) { }

    /// <inheritdoc/>
    public IStorage<TGrainState> GetStorage<TGrainState>(IGrainContext grainContext) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public IDisposable RegisterTimer(
        IGrainContext grainContext,
        Func<object?, Task> asyncCallback,
        object? state,
        TimeSpan dueTime,
        TimeSpan period
    ) => throw new NotSupportedException();

    /// <inheritdoc/>
    public IGrainTimer RegisterGrainTimer<TState>(
        IGrainContext grainContext,
        Func<TState, CancellationToken, Task> callback,
        TState state,
        GrainTimerCreationOptions options
    ) => new GrainTimer(this, (SimulatedActivation)grainContext, token => callback(state, token), options);

    /// <inheritdoc/>
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
    /// What <see cref="AgendaKeeper"/> does, without the thread pool its parallel loop runs on; the keeper itself is tested on a cluster.
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
                _world.Tell($"silo  {this} cannot read the agenda: {exception.Message}");
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
            _world.Tell($"silo  {this} cannot wake {item.Id}: {exception.Message}");
            return (item, _clock.GetUtcNow() + TimeSpan.FromSeconds(5));
        }
    }

    private async Task TendProvidersAsync()
    {
        var book = Services.GetRequiredService<OfferBook>();
        while (true)
        {
            foreach (var id in Services.GetServices<IProvider>().Select(provider => provider.Id))
            {
                try
                {
                    var grain = Grains.GetGrain<IProviderTending>($"provider-{id}");
                    await grain.TendAsync();
                    if (await grain.SheetAsync(book.EditionOf(id)) is { } sheet)
                    {
                        book.Publish(id, sheet);
                    }
                }
                catch (Exception exception)
                {
                    _world.Tell($"silo  {this} cannot tend {id}: {exception.Message}");
                }
            }

            await Task.Delay(book.Opened.IsCompleted ? TendEvery : KeepEvery, _clock);
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
