using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Instances;

/// <summary>
/// One action for a failure that the scheduler can carry out after a caller confirms it: top up, store the spec, start.
/// Built by <see cref="Remedies"/>.
/// </summary>
public sealed record Remedy
{
    /// <summary>For example <c>reduce-context</c> or <c>relax-1</c>; stable, and unique in one record.</summary>
    public required string Id { get; init; }

    /// <summary>With numbers and units, for example <c>Reduce the context to 12,288 tokens</c>.</summary>
    public required string Title { get; init; }

    /// <summary>The changes of the spec; empty when it stays as it is.</summary>
    public ImmutableArray<RemedyChange> Changes { get; init; } = [];

    /// <summary>The whole spec to store before the start; null when it stays as it is.</summary>
    public LaunchSpec? Spec { get; init; }

    /// <summary>Price per hour of the offer that it leads to; null when it is not known.</summary>
    public MicroEuro? Price { get; init; }

    /// <summary>To add to the account first, above zero; null for none. Only an operator can add it.</summary>
    public MicroEuro? TopUp { get; init; }

    /// <summary>The least amount with which the launch is possible; null without a top-up.</summary>
    public MicroEuro? LeastTopUp { get; init; }
}

/// <param name="Path">Path in the spec as the API names it, for example <c>constraints.max_price_per_hour_micro_eur</c>.</param>
/// <param name="Field">Display name, for example <c>max price</c>.</param>
/// <param name="From">The current value with its unit, for example <c>1.10 EUR/h</c>, or <c>any</c>.</param>
public sealed record RemedyChange(string Path, string Field, string From, string To);
