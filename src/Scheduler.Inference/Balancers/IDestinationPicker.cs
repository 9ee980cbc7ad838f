using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>Chooses where a balancer's request goes.</summary>
internal interface IDestinationPicker
{
    /// <summary>Chooses; called again, before the first byte of the answer, with what was tried in vain.</summary>
    ValueTask<Destination> PickAsync(RoutingQuestion question, CancellationToken cancellationToken);
}

/// <summary>A request that wants a destination.</summary>
/// <param name="Balancer">Through which balancer.</param>
/// <param name="Prompt">What it asks, for routing by intent; read once, when it is needed.</param>
/// <param name="Tried">Instances that failed this request already; grows as it does.</param>
/// <param name="RequestId">Which request.</param>
internal sealed record RoutingQuestion(
    ServedBalancer Balancer,
    Func<ImmutableArray<PromptPart>> Prompt,
    IReadOnlySet<InstanceId> Tried,
    RequestId RequestId
)
{
    /// <summary>The routes it may take, once a model was asked for them: it is asked once.</summary>
    public ImmutableArray<BalancerRoute>? Routes { get; set; }
}

/// <summary>Where it goes, or why nowhere.</summary>
/// <param name="Lease">Held while the request is under way there; null when there is no destination.</param>
/// <param name="Refusal">NO_HEALTHY_DESTINATION; null when there is one.</param>
internal sealed record Destination(IDestinationLease? Lease, Failure? Refusal);

/// <summary>One request's place at a destination. Disposing of it without a word counts as neither good nor bad.</summary>
internal interface IDestinationLease : IDisposable
{
    /// <summary>Where.</summary>
    ServedInstance Instance { get; }

    /// <summary>Its runtime began to answer.</summary>
    void Succeeded();

    /// <summary>Its runtime could not be reached, broke off, took too long or answered 5xx.</summary>
    void Failed();

    /// <summary>Why it failed, once that was found out, for those who look at the balancer.</summary>
    void Explained(DoorError why);
}
