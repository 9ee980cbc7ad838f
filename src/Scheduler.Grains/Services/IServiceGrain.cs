using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;

namespace Scheduler.Grains.Services;

/// <summary>
/// One service: a serving name that is kept alive by replicas. Commands are recorded before they are answered and safe to repeat. The
/// <c>account</c> of a query is the one whose services the caller may see; null is an operator.
/// </summary>
[Alias("scheduler.IServiceGrain")]
[GrainInterfaceType("scheduler.service")]
public interface IServiceGrain : IGrainWithStringKey
{
    /// <summary>Creates the service under a free serving name. A repeated create returns the service; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<ServiceRecord>> CreateAsync(CreateService command, CommandContext context);

    [Alias("Get"), AlwaysInterleave]
    Task<Answer<ServiceRecord>> GetAsync(AccountId? account);

    /// <summary>Returns the record as soon as its version is higher than the given one, or after 20 s as it is.</summary>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<ServiceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    );

    /// <summary>Replaces spec or labels. A changed template rolls out as a new revision.</summary>
    [Alias("Update")]
    Task<Answer<ServiceRecord>> UpdateAsync(UpdateService command, CommandContext context);

    /// <summary>Sets <see cref="ServiceSpec.Paused"/>; without effect if it is so already.</summary>
    [Alias("Pause")]
    Task<Answer<ServiceRecord>> PauseAsync(bool isPaused, CommandContext context);

    /// <summary>Returns to an earlier revision that is still known.</summary>
    /// <param name="revision">Its number; null for the latest before the current one.</param>
    [Alias("Rollback")]
    Task<Answer<ServiceRecord>> RollbackAsync(int? revision, CommandContext context);

    /// <summary>Orders the deletion: all replicas stop, then the service becomes a tombstone and its serving name is free.</summary>
    [Alias("Delete")]
    Task<Answer<ServiceRecord>> DeleteAsync(CommandContext context);

    /// <summary>The record with the current load of each gateway.</summary>
    [Alias("Detail"), AlwaysInterleave]
    Task<Answer<ServiceDetail>> DetailAsync(AccountId? account);

    /// <summary>The timeline, oldest first.</summary>
    /// <param name="afterSequence">0 for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("Timeline"), AlwaysInterleave]
    Task<Answer<ServiceTimeline>> TimelineAsync(AccountId? account, long afterSequence, int limit);

    /// <summary>Explains why the service has the replicas that it has, without side effects.</summary>
    [Alias("Explain"), AlwaysInterleave]
    Task<Answer<ServiceExplanation>> ExplainAsync(AccountId? account);

    /// <summary>
    /// Takes the load of one gateway process: once a second while it has any, once when it has none any more, and at once for the first held
    /// request. Never stored. The load of a gateway that says nothing for <see cref="GatewayLoads.LongestSilence"/> counts as none.
    /// </summary>
    [Alias("ReportLoad"), OneWay]
    Task ReportLoadAsync(LoadReport report);

    /// <summary>What a gateway needs to route and to hold requests; see <see cref="WaitForServingAsync"/> for following it.</summary>
    [Alias("Serving"), AlwaysInterleave]
    Task<Answer<ServiceServing>> ServingAsync(AccountId account);

    /// <summary>Like <see cref="ServingAsync"/>, as soon as the version is higher than the given one, or after 20 s as it is.</summary>
    [Alias("WaitForServing"), AlwaysInterleave]
    Task<Answer<ServiceServing>> WaitForServingAsync(
        AccountId account,
        long afterVersion,
        CancellationToken cancellationToken
    );
}

/// <param name="ServingName">Unique in the account among instances, balancers and services.</param>
/// <param name="Spec">Already validated by the API, except for what needs other grains.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateService")]
public sealed record CreateService(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string ServingName,
    [property: Id(2)] ServiceSpec Spec,
    [property: Id(3)] ImmutableSortedDictionary<string, string> Labels
);

/// <summary>The fields to change; null leaves a field as it is.</summary>
/// <param name="IfGeneration">Refuse unless this is the current generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateService")]
public sealed record UpdateService(
    [property: Id(0)] ServiceSpec? Spec,
    [property: Id(1)] ImmutableSortedDictionary<string, string>? Labels,
    [property: Id(2)] long? IfGeneration = null
);

/// <param name="Load">Sum over all gateways, averaged over <see cref="LoadWindow.AveragedOver"/>.</param>
/// <param name="Gateways">Latest reports by process, ordered by name; none older than <see cref="GatewayLoads.LongestSilence"/>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceDetail")]
public sealed record ServiceDetail(
    [property: Id(0)] ServiceRecord Record,
    [property: Id(1)] ServiceLoad Load,
    [property: Id(2)] ImmutableArray<LoadReport> Gateways
);

/// <param name="Outstanding">Requests being answered.</param>
/// <param name="Held">Requests that wait for a ready replica.</param>
/// <param name="TokensPerSecond">Output tokens a second.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceLoad")]
public sealed record ServiceLoad(
    [property: Id(0)] double Outstanding,
    [property: Id(1)] double Held,
    [property: Id(2)] double TokensPerSecond
);

/// <param name="Events">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceTimeline")]
public sealed record ServiceTimeline([property: Id(0)] ImmutableArray<StoredEvent> Events);
