using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Balancers;

/// <summary>
/// One balancer: its record, and the health its gateway processes report. The processes route on their own; no
/// request waits for this grain.
/// </summary>
[Alias("scheduler.IBalancerGrain")]
[GrainInterfaceType("scheduler.balancer")]
public interface IBalancerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Creates the balancer under a free serving name. Repeating the same create returns the balancer; a different
    /// one is refused.
    /// </summary>
    [Alias("Create")]
    Task<Answer<BalancerRecord>> CreateAsync(CreateBalancer command, CommandContext context);

    /// <param name="account">Account of the caller; null means all accounts (operator).</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<BalancerRecord>> GetAsync(AccountId? account);

    /// <summary>
    /// Waits for a record newer than a generation and returns it; returns the current one after a timeout. Gateway
    /// processes use it to follow the balancer.
    /// </summary>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<BalancerRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    );

    [Alias("Update")]
    Task<Answer<BalancerRecord>> UpdateAsync(UpdateBalancer command, CommandContext context);

    /// <summary>Deletes the balancer, keeps a tombstone and frees its serving name; idempotent.</summary>
    [Alias("Delete")]
    Task<Answer<BalancerRecord>> DeleteAsync(CommandContext context);

    [Alias("Detail"), AlwaysInterleave]
    Task<Answer<BalancerDetail>> DetailAsync(AccountId? account);

    /// <summary>The timeline, oldest first.</summary>
    /// <param name="afterSequence">0 for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("Timeline"), AlwaysInterleave]
    Task<Answer<BalancerTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit);

    /// <summary>Accepts a process's report. Kept in memory for a minute, never stored.</summary>
    [Alias("Observe"), OneWay]
    Task ObserveAsync(BalancerReport report);
}

/// <param name="ServingName">Unique in the account among instances and balancers.</param>
/// <param name="Spec">Already validated by the API, except for names that need other grains.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateBalancer")]
public sealed record CreateBalancer(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string ServingName,
    [property: Id(2)] BalancerSpec Spec
);

/// <param name="IfGeneration">Refuse unless this is the current generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateBalancer")]
public sealed record UpdateBalancer([property: Id(0)] BalancerSpec Spec, [property: Id(1)] long? IfGeneration = null);

/// <param name="Events">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerTimeline")]
public sealed record BalancerTimeline([property: Id(0)] ImmutableArray<StoredEvent> Events);

/// <param name="Gateways">Latest reports by process, ordered by name; none older than a minute.</param>
/// <param name="Failures">The latest failed requests at its destinations, newest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerDetail")]
public sealed record BalancerDetail(
    [property: Id(0)] BalancerRecord Record,
    [property: Id(1)] ImmutableArray<BalancerReport> Gateways,
    [property: Id(2)] ImmutableArray<DestinationFailure> Failures
);

/// <param name="Gateway">Random name of the process.</param>
/// <param name="At">Time of the report, by the process's clock.</param>
/// <param name="Failures">Requests that failed since the previous report, oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerReport")]
public sealed record BalancerReport(
    [property: Id(0)] string Gateway,
    [property: Id(1)] DateTimeOffset At,
    [property: Id(2)] ImmutableArray<DestinationView> Destinations,
    [property: Id(3)] ImmutableArray<DestinationFailure> Failures
);
