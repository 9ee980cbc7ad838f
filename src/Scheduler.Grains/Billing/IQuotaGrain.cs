using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Grains.Billing;

/// <summary>
/// Decides whether an account may create one more instance, key or other limited thing. One grain for each account, so that parallel
/// creates are counted one by one.
/// </summary>
[Alias("scheduler.IQuotaGrain")]
[GrainInterfaceType("scheduler.quota")]
public interface IQuotaGrain : IGrainWithStringKey
{
    /// <summary>Reserves room for a state that the caller writes next; a repeated claim of a state replaces its earlier one.</summary>
    /// <returns>Null if the account may have it; otherwise the refusal.</returns>
    [Alias("Claim")]
    Task<Refusal?> ClaimAsync(QuotaClaim claim);

    /// <summary>Ends a claim, because the claimed state is written or will never be.</summary>
    [Alias("Done")]
    Task DoneAsync(QuotaClaim claim);

    /// <summary>Every quota and how much of it is used; empty for an unknown account.</summary>
    [Alias("Use")]
    Task<ImmutableArray<QuotaUse>> UseAsync();
}

/// <param name="State">Id of the state that is written next.</param>
/// <param name="Before">What that state counts now; 0 if it does not exist.</param>
/// <param name="After">What it will count.</param>
[GenerateSerializer, Immutable, Alias("scheduler.QuotaClaim")]
public sealed record QuotaClaim(
    [property: Id(0)] Quota Quota,
    [property: Id(1)] string State,
    [property: Id(2)] long Before = 0,
    [property: Id(3)] long After = 1
);
