using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>Lists instances. Its rows commit with the instances' own writes, so it shows no other truth (INV-12).</summary>
public interface IInstanceIndex
{
    /// <summary>A page of the instances that match, in the order the query names.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ArgumentException">The cursor is of a list in another order.</exception>
    Task<InstancePage> ListAsync(InstanceQuery query, CancellationToken cancellationToken);

    /// <summary>How many instances match; order, cursor and limit of the query are not asked.</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="most">Where counting stops, 1 to 1,000,000: that many means "that many or more".</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<long> CountAsync(InstanceQuery query, int most, CancellationToken cancellationToken);

    /// <summary>How many instances stand in each state (deleted ones are not counted).</summary>
    /// <param name="account">Whose; null for all.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<ImmutableSortedDictionary<InstanceState, long>> CountByStateAsync(
        AccountId? account,
        CancellationToken cancellationToken
    );
}

/// <summary>Which instances to list; null and empty mean "any".</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceQuery")]
public sealed record InstanceQuery
{
    /// <summary>Whose; null for all accounts (operators).</summary>
    [Id(0)]
    public AccountId? Account { get; init; }

    /// <summary>In one of these states; empty for all but deleted.</summary>
    [Id(1)]
    public ImmutableArray<InstanceState> States { get; init; } = [];

    /// <summary>Failed with this code; <see cref="FailureCode.None"/> for any.</summary>
    [Id(2)]
    public FailureCode Code { get; init; }

    /// <summary>Placed at this provider; null for any.</summary>
    [Id(3)]
    public string? Provider { get; init; }

    /// <summary>Placed in this region; null for any.</summary>
    [Id(4)]
    public string? Region { get; init; }

    /// <summary>Placed on this GPU type; null for any.</summary>
    [Id(5)]
    public string? GpuType { get; init; }

    /// <summary>Exactly this serving name; null for any.</summary>
    [Id(6)]
    public string? ServingName { get; init; }

    /// <summary>Text that occurs in the serving name, model or id; null for any.</summary>
    [Id(7)]
    public string? Text { get; init; }

    /// <summary>Where the page before ended; null for the first page.</summary>
    [Id(8)]
    public InstanceCursor? After { get; init; }

    /// <summary>At most so many, 1 to 1,000.</summary>
    [Id(9)]
    public int Limit { get; init; } = 100;

    /// <summary>In which order; a cursor is good for the order of the page it came with.</summary>
    [Id(10)]
    public InstanceSort Sort { get; init; }
}

/// <summary>Orders of an instance list. Each is total: the id decides last, so that pages neither repeat nor leave out.</summary>
public enum InstanceSort
{
    /// <summary>By creation time, then id, both descending.</summary>
    Newest = 0,

    /// <summary>By creation time, then id.</summary>
    Oldest = 1,

    /// <summary>
    /// By the time of the last write, then id, both descending. An instance that is written while somebody turns pages moves to the front:
    /// if it was not shown yet, it is not shown on the pages behind.
    /// </summary>
    RecentlyChanged = 2,

    /// <summary>By serving name (bytewise), then creation time, then id.</summary>
    ServingName = 3,
}

/// <summary>Where a page ended.</summary>
/// <param name="CreatedAt">Creation time of its last instance.</param>
/// <param name="Id">Its id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceCursor")]
public sealed record InstanceCursor([property: Id(0)] DateTimeOffset CreatedAt, [property: Id(1)] InstanceId Id)
{
    /// <summary>When it was last written; set in a list by <see cref="InstanceSort.RecentlyChanged"/>.</summary>
    [Id(2)]
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Its serving name; set in a list by <see cref="InstanceSort.ServingName"/>.</summary>
    [Id(3)]
    public string? ServingName { get; init; }
}

/// <summary>One page.</summary>
/// <param name="Instances">The instances.</param>
/// <param name="Next">Where to go on; null after the last page.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstancePage")]
public sealed record InstancePage(
    [property: Id(0)] ImmutableArray<InstanceRecord> Instances,
    [property: Id(1)] InstanceCursor? Next
);
