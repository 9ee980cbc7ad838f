using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using Stateless;
using Stateless.Graph;
using static Scheduler.Domain.Instances.InstanceState;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The state machine of an instance: which trigger leads where. The Stateless machine below <em>is</em> the table; it is built once,
/// read out into a lookup, and never fired with actions: what a transition does to the record is in <see cref="InstanceDecisions"/>.
/// </summary>
/// <remarks>
/// Stateless as an engine costs 13 kB a machine and leaves a grain's scheduler on its asynchronous path; as a table it costs one
/// dictionary. The diagram in this folder's README is drawn from the same machine and held to it by a test.
/// </remarks>
public static class InstanceLifecycle
{
    private static readonly FrozenDictionary<(InstanceState, InstanceTrigger), InstanceState> Table = ReadOut();

    private static readonly FrozenDictionary<InstanceState, ImmutableArray<InstanceTrigger>> Allowed =
        Enum.GetValues<InstanceState>()
            .ToFrozenDictionary(
                state => state,
                state => Enum.GetValues<InstanceTrigger>().Where(t => Table.ContainsKey((state, t))).ToImmutableArray()
            );

    /// <summary>Where a trigger leads, if the state permits it.</summary>
    /// <param name="state">The present state.</param>
    /// <param name="trigger">What happens.</param>
    /// <param name="next">The state after it.</param>
    /// <returns>Whether the state permits it.</returns>
    public static bool TryNext(InstanceState state, InstanceTrigger trigger, out InstanceState next) =>
        Table.TryGetValue((state, trigger), out next);

    /// <summary>What a state permits, in the order of the enum.</summary>
    /// <param name="state">The state.</param>
    public static ImmutableArray<InstanceTrigger> AllowedIn(InstanceState state) => Allowed[state];

    /// <summary>The diagram, as Mermaid text.</summary>
    public static string Diagram() => MermaidGraph.Format(Build(Stopped).GetInfo());

    private static StateMachine<InstanceState, InstanceTrigger> Build(InstanceState initial)
    {
        var machine = new StateMachine<InstanceState, InstanceTrigger>(initial);
        machine.Configure(Stopped).Permit(Start, Checking).Permit(Delete, Deleted);
        machine.Configure(Checking).Permit(OfferChosen, Provisioning).Permit(CheckFailed, Failed);
        machine
            .Configure(Provisioning)
            .Permit(Allocated, Starting)
            .Permit(ProviderRejected, Failed)
            .Permit(DeadlinePassed, Failed)
            .Permit(Stop, Stopping);
        machine
            .Configure(Starting)
            .Permit(Ready, Running)
            .Permit(RuntimeExited, Failed)
            .Permit(DeadlinePassed, Failed)
            .Permit(Preempted, Failed)
            .Permit(Stop, Stopping);
        machine
            .Configure(Running)
            .Permit(RuntimeExited, Failed)
            .Permit(RuntimeUnhealthy, Failed)
            .Permit(Preempted, Failed)
            .Permit(BalanceExhausted, Failed)
            .Permit(Stop, Stopping);
        machine.Configure(Stopping).Permit(Released, Stopped);
        // Released leaves a failed instance failed: it says that nothing is held or owed any more.
        machine
            .Configure(Failed)
            .Permit(Start, Checking)
            .Permit(Stop, Stopping)
            .Permit(Delete, Deleted)
            .PermitReentry(Released);
        machine.Configure(Deleted);
        return machine;
    }

    private static FrozenDictionary<(InstanceState, InstanceTrigger), InstanceState> ReadOut() =>
        Build(Stopped)
            .GetInfo()
            .States.SelectMany(state =>
                state.FixedTransitions.Select(transition =>
                    KeyValuePair.Create(
                        ((InstanceState)state.UnderlyingState, (InstanceTrigger)transition.Trigger.UnderlyingTrigger),
                        (InstanceState)(
                            transition.DestinationState?.UnderlyingState ?? throw new UnreachableException()
                        )
                    )
                )
            )
            .ToFrozenDictionary();
}
