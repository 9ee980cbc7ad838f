using Orleans.Concurrency;
using Orleans.Serialization.Invocation;
using Orleans.Storage;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// One activation of a real grain class, with the turn rules of Orleans. It runs one request at a time, unless the
/// grain is reentrant or the request may interleave. During deactivation it accepts no request; waiting requests go to
/// its successor.
/// </summary>
internal sealed class SimulatedActivation : IGrainContext
{
    private readonly List<Call> _waiting = [];
    private readonly Queue<Func<Task>> _ticks = new();
    private readonly SimulatedWorld _world;
    private readonly SimulatedNetwork _network;
    private readonly Turns _turns;
    private readonly bool _isReentrant;
    private object? _blocking;
    private int _running;
    private Stage _stage = Stage.Activating;

    public SimulatedActivation(SimulatedWorld world, SimulatedNetwork network, SimulatedSilo silo, GrainId grain)
    {
        (_world, _network, Silo, GrainId) = (world, network, silo, grain);
        _turns = new Turns(world);
        Class = GrainReferences.Classes[grain.Type.ToString()!];
        _isReentrant = Class.IsDefined(typeof(ReentrantAttribute), false);
        Span<byte> id = stackalloc byte[16];
        world.Random.NextBytes(id);
        ActivationId = new ActivationId(new Guid(id));
        GrainReference = (GrainReference)
            silo.Grains.Of(Class.GetInterfaces().First(GrainReferences.IsGrainInterface), grain);
    }

    private enum Stage
    {
        Activating = 1,
        Valid = 2,
        Deactivating = 3,
        Gone = 4,
    }

    public SimulatedSilo Silo { get; }

    public Type Class { get; }

    /// <summary>Persistent states of the grain, filled while the grain is created.</summary>
    public List<SimulatedState> States { get; } = [];

    /// <summary>Whether it accepts requests now or after its activation.</summary>
    public bool IsAlive => _stage is Stage.Activating or Stage.Valid;

    public GrainReference GrainReference { get; }

    public GrainId GrainId { get; }

    public object? GrainInstance { get; private set; }

    public ActivationId ActivationId { get; }

    public GrainAddress Address => throw new NotSupportedException();

    public IServiceProvider ActivationServices => Silo.Services;

    public IGrainLifecycle ObservableLifecycle => throw new NotSupportedException();

    public IWorkItemScheduler Scheduler => throw new NotSupportedException();

    public Task Deactivated => throw new NotSupportedException();

    /// <summary>Reads the states, then runs the grain's own activation.</summary>
    public void Begin() => _turns.Begin(ActivateAsync);

    /// <summary>The silo was killed: all work of the activation ends here.</summary>
    public void Abort()
    {
        _stage = Stage.Gone;
        _turns.Abort();
    }

    public void Receive(Call call)
    {
        if (!IsAlive && _stage != Stage.Deactivating)
        {
            _network.Forward(call);
            return;
        }

        _waiting.Add(call);
        Pump();
    }

    /// <summary>A tick that may interleave runs at once.</summary>
    public void Tick(Func<Task> tick, bool interleaves)
    {
        if (!IsAlive)
        {
            return;
        }

        if (interleaves && _stage == Stage.Valid)
        {
            _running++;
            _turns.Begin(() => TickAsync(tick));
            return;
        }

        _ticks.Enqueue(tick);
        Pump();
    }

    public void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default)
    {
        if (_stage is Stage.Valid)
        {
            _stage = Stage.Deactivating;
            _world.Record($"grain {this} is being deactivated");
            EndIfIdle();
        }
    }

    public object GetTarget() => GrainInstance!;

    public object? GetComponent(Type componentType) =>
        componentType.IsInstanceOfType(GrainInstance) ? GrainInstance : null;

    public void SetComponent<TComponent>(TComponent? value)
        where TComponent : class => throw new NotSupportedException();

    public void ReceiveMessage(object message) => throw new NotSupportedException();

    public void Activate(Dictionary<string, object>? requestContext, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public void Rehydrate(IRehydrationContext context) => throw new NotSupportedException();

    public void Migrate(Dictionary<string, object>? requestContext, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public bool Equals(IGrainContext? other) => ReferenceEquals(this, other);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => GrainId.GetHashCode();

    public override string ToString() => $"{GrainId.Key}@{Silo}";

    private async Task ActivateAsync()
    {
        try
        {
            GrainInstance = Silo.Make(this);
            foreach (var state in States)
            {
                await state.ReadStateAsync();
            }

            await ((IGrainBase)GrainInstance).OnActivateAsync(CancellationToken.None);
        }
        catch (Exception exception)
        {
            _world.Record($"grain {this} could not be activated: {exception.Message}");
            Vanish();
            foreach (var call in _waiting)
            {
                _network.Reply(call, Silo, Response.FromException(exception));
            }

            return;
        }

        _world.Record($"grain {this} is active");
        _stage = Stage.Valid;
        Pump();
    }

    private void Pump()
    {
        while (_stage == Stage.Valid && TakeNext() is { } next)
        {
            _running++;
            _turns.Begin(next);
        }
    }

    private Func<Task>? TakeNext()
    {
        if (_blocking is null && _ticks.TryDequeue(out var tick))
        {
            _blocking = tick;
            return () => TickAsync(tick);
        }

        var index = _waiting.FindIndex(call => _blocking is null || _isReentrant || call.Interleaves);
        if (index < 0)
        {
            return null;
        }

        var call = _waiting[index];
        _waiting.RemoveAt(index);
        if (!_isReentrant && !call.Interleaves)
        {
            _blocking = call;
        }

        return () => InvokeAsync(call);
    }

    private async Task InvokeAsync(Call call)
    {
        _world.Record($"call  {call} runs at {Silo}");
        call.Request.SetTarget(this);
        var response = await call.Request.Invoke();
        if (response.Exception is { } exception)
        {
            _world.Record($"call  {call} failed: {exception.GetType().Name} {exception.Message}");
        }

        _network.Reply(call, Silo, response);
        if (response.Exception is InconsistentStateException)
        {
            Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationError, "inconsistent state"));
        }

        Finish(call);
    }

    private async Task TickAsync(Func<Task> tick)
    {
        try
        {
            await tick();
        }
        catch (Exception exception)
        {
            // As in Orleans, a failing tick is logged.
            _world.Record($"tick  of {this} failed: {exception.GetType().Name} {exception.Message}");
        }

        Finish(tick);
    }

    private void Finish(object what)
    {
        _running--;
        if (_blocking == what)
        {
            _blocking = null;
        }

        EndIfIdle();
        Pump();
    }

    private void EndIfIdle()
    {
        if (_stage == Stage.Deactivating && _running == 0)
        {
            _running = 1;
            _turns.Begin(EndAsync);
        }
    }

    private async Task EndAsync()
    {
        try
        {
            await ((IGrainBase)GrainInstance!).OnDeactivateAsync(
                new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "simulated"),
                CancellationToken.None
            );
            (GrainInstance as IDisposable)?.Dispose();
        }
        catch (Exception exception)
        {
            _world.Record($"grain {this} failed while it was deactivated: {exception.Message}");
        }

        Vanish();
        _waiting.ForEach(_network.Forward);
        _waiting.Clear();
    }

    // Its tasks continue, as in Orleans; only the end of its silo ends them.
    private void Vanish()
    {
        _stage = Stage.Gone;
        _world.Record($"grain {this} is gone");
        Silo.Forget(this);
        _network.Unregister(this);
    }
}
