using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Balancers;

/// <summary>
/// One balancer: what is written down of it, and what the doors that route by it have seen. The doors route by themselves; no request waits
/// for this grain.
/// </summary>
[Alias("scheduler.IBalancerGrain")]
[GrainInterfaceType("scheduler.balancer")]
public interface IBalancerGrain : IGrainWithStringKey
{
    /// <summary>Creates it under a serving name that is free. The same create again returns the balancer; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<BalancerRecord>> CreateAsync(CreateBalancer command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<BalancerRecord>> GetAsync(AccountId? account);

    /// <summary>
    /// What is recorded, as soon as it is newer than a generation, or after a while what there is. For doors, which route by it.
    /// </summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    /// <param name="afterGeneration">The generation the caller has.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<BalancerRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    );

    /// <summary>Replaces its spec.</summary>
    [Alias("Update")]
    Task<Answer<BalancerRecord>> UpdateAsync(UpdateBalancer command, CommandContext context);

    /// <summary>Makes it a tombstone and frees its serving name; harmless when repeated.</summary>
    [Alias("Delete")]
    Task<Answer<BalancerRecord>> DeleteAsync(CommandContext context);

    /// <summary>What is recorded, and what the doors have told lately.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Detail"), AlwaysInterleave]
    Task<Answer<BalancerDetail>> DetailAsync(AccountId? account);

    /// <summary>Its timeline, oldest first.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    /// <param name="afterSequence">0 for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("Timeline"), AlwaysInterleave]
    Task<Answer<BalancerTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit);

    /// <summary>A door tells what it sees. Kept in memory for a minute, never stored: the next door that routes tells it anew.</summary>
    [Alias("Observe"), OneWay]
    Task ObserveAsync(DoorReport report);
}

/// <summary>What a create asks for.</summary>
/// <param name="Account">Whose.</param>
/// <param name="ServingName">Unique in the account among instances and balancers.</param>
/// <param name="Spec">Where it sends requests; found right in itself by the door.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateBalancer")]
public sealed record CreateBalancer(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string ServingName,
    [property: Id(2)] BalancerSpec Spec
);

/// <summary>What an update brings.</summary>
/// <param name="Spec">The whole new spec.</param>
/// <param name="IfGeneration">Refuse unless this is the present generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateBalancer")]
public sealed record UpdateBalancer([property: Id(0)] BalancerSpec Spec, [property: Id(1)] long? IfGeneration = null);

/// <summary>A page of a balancer's timeline.</summary>
/// <param name="Events">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerTimeline")]
public sealed record BalancerTimeline([property: Id(0)] ImmutableArray<StoredEvent> Events);

/// <summary>A balancer with what its doors see.</summary>
/// <param name="Record">What is recorded.</param>
/// <param name="Doors">What each door told last, by door; none from doors that have not routed by it for a minute.</param>
/// <param name="Failures">The latest failed requests at its destinations, newest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerDetail")]
public sealed record BalancerDetail(
    [property: Id(0)] BalancerRecord Record,
    [property: Id(1)] ImmutableArray<DoorReport> Doors,
    [property: Id(2)] ImmutableArray<DestinationFailure> Failures
);

/// <summary>How the destinations of a balancer look from one door.</summary>
/// <param name="Door">Which: a name its process has given itself.</param>
/// <param name="At">When, on the door's clock.</param>
/// <param name="Destinations">Each of them.</param>
/// <param name="Failures">Requests that failed since the report before, oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DestinationReport")]
public sealed record DoorReport(
    [property: Id(0)] string Door,
    [property: Id(1)] DateTimeOffset At,
    [property: Id(2)] ImmutableArray<DestinationView> Destinations,
    [property: Id(3)] ImmutableArray<DestinationFailure> Failures
);
