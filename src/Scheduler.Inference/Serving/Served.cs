using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Inference.Serving;

/// <summary>What a serving name of an account stands for, as this door knows it now.</summary>
/// <param name="Account">Whose.</param>
/// <param name="ServingName">The name.</param>
/// <param name="Firewall">Slug of the firewall attached to it; null for none of its own.</param>
internal abstract record Served(AccountId Account, string ServingName, string? Firewall);

/// <summary>An instance.</summary>
internal sealed record ServedInstance(AccountId Account, string ServingName, string? Firewall)
    : Served(Account, ServingName, Firewall)
{
    /// <summary>Which.</summary>
    public required InstanceId Id { get; init; }

    /// <summary>Counts its launches.</summary>
    public required int Run { get; init; }

    /// <summary>Where it stands.</summary>
    public required InstanceState State { get; init; }

    /// <summary>Base address of its runtime, while it runs.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Configured context, tokens.</summary>
    public required long ContextTokens { get; init; }

    /// <summary>How its tokenizer is asked; null where that is not known.</summary>
    public RuntimeTokenizer? Tokenizer { get; init; }

    /// <summary>Why it failed last.</summary>
    public FailureRecord? Failure { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether requests can be sent to it.</summary>
    public bool IsServing => State == InstanceState.Running && Endpoint is not null;
}

/// <summary>A balancer.</summary>
internal sealed record ServedBalancer(AccountId Account, string ServingName, string? Firewall)
    : Served(Account, ServingName, Firewall)
{
    /// <summary>Which: <c>bal-…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Counts its changes.</summary>
    public required long Generation { get; init; }

    /// <summary>Where it sends requests.</summary>
    public required BalancerSpec Spec { get; init; }

    /// <summary>Every instance a request may end at.</summary>
    public required ImmutableArray<string> Destinations { get; init; }
}
