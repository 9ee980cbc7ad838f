using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

internal interface IDestinationPicker
{
    /// <summary>
    /// Chooses a destination. Called again with <see cref="RoutingQuestion.Tried"/> extended, until the first byte of
    /// the answer is sent.
    /// </summary>
    ValueTask<Destination> PickAsync(RoutingQuestion question, CancellationToken cancellationToken);
}

/// <param name="Prompt">The prompt, for routing by intent; read only when needed.</param>
/// <param name="Tried">Instances that already failed this request; grows with each attempt.</param>
internal sealed record RoutingQuestion(
    ServedBalancer Balancer,
    Func<PromptReading> Prompt,
    IReadOnlySet<InstanceId> Tried,
    RequestId RequestId
)
{
    /// <summary>The key of the request under a policy (<see cref="AffinityKeys"/>); null without one.</summary>
    public Func<GroupPolicy, ulong?> KeyOf { get; init; } = _ => null;

    /// <summary>The routes the router model returned; cached because the model is asked once per request.</summary>
    public ImmutableArray<BalancerRoute>? Routes { get; set; }
}

/// <param name="Lease">Held while the request is in progress; null when there is no destination.</param>
/// <param name="Refusal">NO_HEALTHY_DESTINATION; null when there is a destination.</param>
internal sealed record Destination(IDestinationLease? Lease, Failure? Refusal);

/// <summary>One request's slot at a destination. Disposal without a result counts neither way.</summary>
internal interface IDestinationLease : IDisposable
{
    ServedInstance Instance { get; }

    /// <summary>The runtime began to answer.</summary>
    void Succeeded();

    /// <summary>The runtime could not be reached, broke off, took too long or answered 5xx.</summary>
    void Failed();

    /// <summary>Records the cause of the failure, shown in the balancer's detail.</summary>
    void Explained(ApiError why);
}
