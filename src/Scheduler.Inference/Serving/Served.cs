using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Services;

namespace Scheduler.Inference.Serving;

/// <summary>The target of a serving name, as currently known to this process.</summary>
/// <param name="Firewall">Slug of the firewall attached to the target itself; null for none.</param>
internal abstract record Served(AccountId Account, string ServingName, string? Firewall);

internal sealed record ServedInstance(AccountId Account, string ServingName, string? Firewall)
    : Served(Account, ServingName, Firewall)
{
    public required InstanceId Id { get; init; }

    /// <summary>Number of the current launch.</summary>
    public required int Run { get; init; }

    public required InstanceState State { get; init; }

    /// <summary>Base address of the runtime; null when no allocation has one.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Idempotency key of the allocation; null without one.</summary>
    public AllocationKey? Allocation { get; init; }

    /// <summary>The key that the runtime asks for; null when it asks for none.</summary>
    public RuntimeKey? RuntimeKey { get; init; }

    /// <summary>Configured context, tokens.</summary>
    public required long ContextTokens { get; init; }

    /// <summary>Most open requests, as the launch states; null for the limit of the settings.</summary>
    public int? SequencesAtOnce { get; init; }

    /// <summary>Shape and path of the runtime's tokenizer; null when unknown.</summary>
    public RuntimeTokenizer? Tokenizer { get; init; }

    /// <summary>The last failure; null unless the state is failed.</summary>
    public FailureRecord? Failure { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public bool IsServing => State == InstanceState.Running && Endpoint is not null;
}

/// <summary>A balancer, or a service, which is served like a balancer of its replicas.</summary>
internal sealed record ServedBalancer(AccountId Account, string ServingName, string? Firewall)
    : Served(Account, ServingName, Firewall)
{
    /// <summary>The id of the balancer, <c>bal-…</c>, or of the service, <c>svc-…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Increases with every change of the balancer.</summary>
    public required long Generation { get; init; }

    public required BalancerSpec Spec { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The service; null for a balancer.</summary>
    public ServiceServing? Service { get; init; }

    /// <summary>Serving names of all instances a request may reach.</summary>
    public required ImmutableArray<string> Destinations { get; init; }
}
