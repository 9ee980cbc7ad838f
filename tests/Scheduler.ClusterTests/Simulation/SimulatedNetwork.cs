using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// Messages, the grain directory and the failure of silos, as Orleans promises them and no better: a message arrives at most once,
/// perhaps late; an answer that does not come is a timeout, and its outcome is unknown; a silo taken for dead may go on for a while, and
/// its grains have a second activation meanwhile.
/// </summary>
internal sealed class SimulatedNetwork(SimulatedWorld world)
{
    /// <summary>Orleans' own response timeout.</summary>
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(30);

    private readonly Dictionary<GrainId, SimulatedActivation> _directory = [];
    private readonly List<Call> _pending = [];

    /// <summary>The silos that were not buried.</summary>
    public List<SimulatedSilo> Silos { get; } = [];

    /// <summary>What a silo, or (null) a client, calls through.</summary>
    public IGrainReferenceRuntime RuntimeOf(SimulatedSilo? sender) => new Runtime(world, this, sender);

    /// <summary>Sends a message on its way.</summary>
    public void Send(Call call)
    {
        _pending.RemoveAll(pending => pending.IsAnswered);
        if (!call.IsOneWay)
        {
            _pending.Add(call);
            world.After(
                ResponseTimeout,
                () => call.Fail(new TimeoutException($"{call} was not answered within {ResponseTimeout}."))
            );
        }

        world.After(Latency(), () => Arrive(call));
    }

    /// <summary>Sends a message on that an activation cannot take any more.</summary>
    public void Forward(Call call) => world.After(Latency(), () => Arrive(call));

    /// <summary>Sends an answer back.</summary>
    public void Reply(Call call, SimulatedSilo from, Response response)
    {
        if (call.IsOneWay)
        {
            return;
        }

        if (call.Sender != from && world.Happens(world.Weather.Loss))
        {
            world.Tell($"net   lost the answer to {call}");
            return;
        }

        world.After(Latency(), () => call.Answer(response));
    }

    /// <summary>An activation is no more.</summary>
    public void Unregister(SimulatedActivation activation)
    {
        if (ReferenceEquals(_directory.GetValueOrDefault(activation.GrainId), activation))
        {
            _directory.Remove(activation.GrainId);
        }
    }

    /// <summary>A silo is taken for dead, rightly or not: its grains live elsewhere from now on, and who waits for it is told.</summary>
    public void Bury(SimulatedSilo silo)
    {
        world.Tell($"net   {silo} is declared dead");
        Silos.Remove(silo);
        foreach (var (grain, _) in _directory.Where(entry => entry.Value.Silo == silo).ToList())
        {
            _directory.Remove(grain);
        }

        foreach (var call in _pending.Where(call => call.SentTo == silo && call.Sender != silo).ToList())
        {
            call.Fail(new SiloUnavailableException($"{silo} is gone; the outcome of {call} is unknown."));
        }
    }

    /// <summary>A random activation in the directory, or null.</summary>
    public SimulatedActivation? AnyActivation() =>
        _directory.Count == 0 ? null : _directory.Values.ElementAt(world.Random.Next(_directory.Count));

    private TimeSpan Latency() => world.Happens(world.Weather.Delay) ? world.Between(0.5, 20) : world.Between(0, 0.02);

    private void Arrive(Call call)
    {
        if (call.IsAnswered)
        {
            // Expired on its way, as Orleans has it.
            return;
        }

        var target = Find(call);
        if (target is null)
        {
            if (Place(call) is not { } silo)
            {
                world.After(TimeSpan.FromMilliseconds(200), () => Arrive(call));
                return;
            }

            target = silo.Activate(call.Target);
            if (silo.IsMember)
            {
                _directory.Add(call.Target, target);
            }
        }

        call.SentTo = target.Silo;
        if (!target.Silo.IsRunning || (call.Sender != target.Silo && world.Happens(world.Weather.Loss)))
        {
            world.Tell($"net   lost {call}");
            return;
        }

        target.Receive(call);
    }

    /// <summary>Where a grain is, in the sender's eyes: a silo that does not know that it is taken for dead still knows its own.</summary>
    private SimulatedActivation? Find(Call call) =>
        (IsZombie(call.Sender) ? call.Sender!.Find(call.Target) : null) ?? _directory.GetValueOrDefault(call.Target);

    private static bool IsZombie(SimulatedSilo? silo) => silo is { IsMember: false, IsRunning: true };

    private SimulatedSilo? Place(Call call)
    {
        if (IsZombie(call.Sender))
        {
            return call.Sender;
        }

        var open = Silos.Where(silo => silo.IsRunning && silo.MayHost(call.Target)).ToList();
        return open.Count == 0 ? null : open[world.Random.Next(open.Count)];
    }

    private sealed class Runtime(SimulatedWorld world, SimulatedNetwork network, SimulatedSilo? sender)
        : IGrainReferenceRuntime
    {
        private GrainReferences? _references;

        private GrainReferences References => _references ??= new GrainReferences(this);

        public async ValueTask<T?> InvokeMethodAsync<T>(
            GrainReference reference,
            IInvokable request,
            InvokeMethodOptions options
        ) => (await SendAsync(reference, request, options)).GetResult<T>();

        public async ValueTask InvokeMethodAsync(
            GrainReference reference,
            IInvokable request,
            InvokeMethodOptions options
        ) => await SendAsync(reference, request, options);

        public void InvokeMethod(GrainReference reference, IInvokable request, InvokeMethodOptions options) =>
            network.Send(new Call(sender, reference.GrainId, request, options | InvokeMethodOptions.OneWay));

        public object Cast(IAddressable grain, Type interfaceType) => References.Of(interfaceType, grain.GetGrainId());

        private Task<Response> SendAsync(GrainReference reference, IInvokable request, InvokeMethodOptions options)
        {
            var call = new Call(sender, reference.GrainId, request, options);
            world.Require(sender is not { IsRunning: false }, $"the dead {sender} calls {call}");
            network.Send(call);
            return call.AnsweredAsync();
        }
    }
}
