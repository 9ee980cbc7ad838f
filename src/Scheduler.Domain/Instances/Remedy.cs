using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Instances;

/// <summary>
/// One way out of a failure that the scheduler can go by itself once somebody agrees: enter the money, store the spec, start. Made by
/// <see cref="Remedies"/>.
/// </summary>
public sealed record Remedy
{
    /// <summary>Which way, for example <c>reduce-context</c> or <c>relax-1</c>: stable, and unique among the remedies of one record.</summary>
    public required string Id { get; init; }

    /// <summary>What to do, as an instruction with numbers and units: <c>Reduce the context to 12,288 tokens</c>.</summary>
    public required string Title { get; init; }

    /// <summary>What of the spec changes; empty where it stays as it is.</summary>
    public ImmutableArray<RemedyChange> Changes { get; init; } = [];

    /// <summary>The whole spec to store before the start; null where it stays as it is.</summary>
    public LaunchSpec? Spec { get; init; }

    /// <summary>What must be entered for the account first, above zero; null for nothing. Only an operator can.</summary>
    public MicroEuro? TopUp { get; init; }

    /// <summary>Whether the instance is to be started afterwards.</summary>
    public bool Starts { get; init; } = true;
}

/// <summary>One field of a spec that changes, in people's words.</summary>
/// <param name="Field">What it is called, for example <c>max price</c>.</param>
/// <param name="From">The present value with its unit, for example <c>1.10 EUR/h</c>, or <c>any</c>.</param>
/// <param name="To">The value afterwards.</param>
public sealed record RemedyChange(string Field, string From, string To);
