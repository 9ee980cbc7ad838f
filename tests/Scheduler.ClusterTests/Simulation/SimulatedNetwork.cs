using Orleans.CodeGeneration;
using Orleans.Serialization.Invocation;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// Messages, the grain directory and silo failures, with the guarantees of Orleans and no stronger ones. A message
/// arrives at most once, perhaps late. A missing answer is a timeout with an unknown outcome. A silo that is declared
/// dead may continue for a time, while its grains have a second activation.
/// </summary>
internal sealed class SimulatedNetwork(SimulatedWorld world)
{
    /// <summary>Orleans' default response timeout.</summary>
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(30);

    private readonly Dictionary<GrainId, SimulatedActivation> _directory = [];
    private readonly List<Call> _pending = [];

    /// <summary>The silos that are not declared dead.</summary>
    public List<SimulatedSilo> Silos { get; } = [];

    /// <summary>The runtime through which a silo makes calls; null is a client.</summary>
    public IGrainReferenceRuntime RuntimeOf(SimulatedSilo? sender) => new Runtime(world, this, sender);

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

    /// <summary>Sends on a message that an activation no longer accepts.</summary>
    public void Forward(Call call) => world.After(Latency(), () => Arrive(call));

    public void Reply(Call call, SimulatedSilo from, Response response)
    {
        if (call.IsOneWay)
        {
            return;
        }

        if (call.Sender != from && world.Happens(world.FaultRates.Loss))
        {
            world.Record($"net   lost the answer to {call}");
            return;
        }

        world.After(Latency(), () => call.Answer(response));
    }

    public void Unregister(SimulatedActivation activation)
    {
        if (ReferenceEquals(_directory.GetValueOrDefault(activation.GrainId), activation))
        {
            _directory.Remove(activation.GrainId);
        }
    }

    /// <summary>
    /// Declares a silo dead, rightly or not: its grains activate elsewhere from now on, and callers that wait for it
    /// receive an error.
    /// </summary>
    public void DeclareDead(SimulatedSilo silo)
    {
        world.Record($"net   {silo} is declared dead");
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

    private TimeSpan Latency() =>
        world.Happens(world.FaultRates.Delay) ? world.Between(0.5, 20) : world.Between(0, 0.02);

    private void Arrive(Call call)
    {
        if (call.IsAnswered)
        {
            // Expired on its way, as in Orleans.
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
        if (!target.Silo.IsRunning || (call.Sender != target.Silo && world.Happens(world.FaultRates.Loss)))
        {
            world.Record($"net   lost {call}");
            return;
        }

        target.Receive(call);
    }

    /// <summary>
    /// The activation as the sender sees it: a silo that does not know that it was declared dead still uses its own
    /// activations.
    /// </summary>
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
