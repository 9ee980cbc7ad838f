using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using Stateless;
using Stateless.Graph;
using static Scheduler.Domain.Instances.InstanceState;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The state machine of an instance: the next state for each state and trigger. The Stateless machine below <em>is</em>
/// the table. It is built once, read into a lookup, and never fired. <see cref="InstanceDecisions"/> defines the effect
/// of a transition on the record.
/// </summary>
/// <remarks>
/// As an engine, Stateless costs 13 kB per machine, and its asynchronous path leaves the scheduler of the grain. As a
/// table it costs one dictionary. The diagram in this folder's README is generated from the same machine, and a test
/// compares them.
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

    /// <summary>False when the state does not permit the trigger.</summary>
    public static bool TryNext(InstanceState state, InstanceTrigger trigger, out InstanceState next) =>
        Table.TryGetValue((state, trigger), out next);

    /// <summary>In the order of the enum.</summary>
    public static ImmutableArray<InstanceTrigger> AllowedIn(InstanceState state) => Allowed[state];

    /// <summary>Mermaid text.</summary>
    public static string Diagram() => MermaidGraph.Format(Build(Stopped).GetInfo());

    private static StateMachine<InstanceState, InstanceTrigger> Build(InstanceState initial)
    {
        var machine = new StateMachine<InstanceState, InstanceTrigger>(initial);
        machine.Configure(Stopped).Permit(Start, Checking).Permit(Delete, Deleted);
        machine
            .Configure(Checking)
            .Permit(OfferChosen, Provisioning)
            .Permit(CheckFailed, Failed)
            .Permit(NoCapacity, Waiting);
        machine.Configure(Waiting).Permit(CapacityAppeared, Checking).Permit(WaitEnded, Failed).Permit(Stop, Stopping);
        machine
            .Configure(Provisioning)
            .Permit(Allocated, Starting)
            .Permit(ProviderRejected, Failed)
            .Permit(DeadlinePassed, Failed)
            .Permit(NoCapacity, Waiting)
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
        // Released leaves a failed instance in failed; it means that no cleanup is pending any more.
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
