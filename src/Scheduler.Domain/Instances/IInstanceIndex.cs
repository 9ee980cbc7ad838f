using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>
/// Lists and counts instances by their fields. Each write of an instance also writes its row of the index, in one transaction, so the
/// two never differ (INV-12).
/// </summary>
public interface IInstanceIndex
{
    /// <exception cref="ArgumentException">The cursor belongs to a list with another order.</exception>
    Task<InstancePage> ListAsync(InstanceQuery query, CancellationToken cancellationToken);

    /// <summary>Counts matching instances; ignores order, cursor and limit of the query.</summary>
    /// <param name="most">Counting stops here, 1 to 1,000,000: "this many or more".</param>
    Task<long> CountAsync(InstanceQuery query, int most, CancellationToken cancellationToken);

    /// <summary>
    /// Burn rate of the running instances that match, per hour; ignores order, cursor and limit of the query.
    /// </summary>
    /// <param name="most">Adding stops after this many instances, 1 to 1,000,000.</param>
    Task<MicroEuro> SumBurnAsync(InstanceQuery query, int most, CancellationToken cancellationToken);

    /// <summary>
    /// Instances whose current allocation has this id at its provider. Reads every instance that may have an
    /// allocation; call it rarely.
    /// </summary>
    /// <param name="account">Null for all accounts (operators).</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<ImmutableArray<InstanceRecord>> ListByAllocationAsync(
        string allocation,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>Without deleted instances.</summary>
    Task<ImmutableSortedDictionary<InstanceState, long>> CountByStateAsync(
        AccountId? account,
        CancellationToken cancellationToken
    );
}

/// <summary>A filter of instances, with order and page. Null and empty members match every value.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceQuery")]
public sealed record InstanceQuery
{
    /// <summary>Null for all accounts (operators).</summary>
    [Id(0)]
    public AccountId? Account { get; init; }

    /// <summary>Empty for all states except deleted.</summary>
    [Id(1)]
    public ImmutableArray<InstanceState> States { get; init; } = [];

    /// <summary><see cref="FailureCode.None"/> for any.</summary>
    [Id(2)]
    public FailureCode Code { get; init; }

    [Id(3)]
    public string? Provider { get; init; }

    [Id(4)]
    public string? Region { get; init; }

    [Id(5)]
    public string? GpuType { get; init; }

    /// <summary>Exact.</summary>
    [Id(6)]
    public string? ServingName { get; init; }

    /// <summary>Contained in the serving name, model or id.</summary>
    [Id(7)]
    public string? Text { get; init; }

    /// <summary>The end of the previous page; null for the first page.</summary>
    [Id(8)]
    public InstanceCursor? After { get; init; }

    /// <summary>Page size, 1 to 1,000.</summary>
    [Id(9)]
    public int Limit { get; init; } = 100;

    /// <summary>A cursor is valid only for the order of its own list.</summary>
    [Id(10)]
    public InstanceSort Sort { get; init; }
}

/// <summary>Each order ends with the id, so it is total: pages neither repeat nor omit instances.</summary>
public enum InstanceSort
{
    /// <summary>By creation time, then id, both descending.</summary>
    Newest = 0,

    /// <summary>By creation time, then id.</summary>
    Oldest = 1,

    /// <summary>
    /// By the time of the last write, then id, both descending. An instance that is written between two page reads
    /// moves to the front. If it was not on an earlier page, the later pages do not contain it.
    /// </summary>
    RecentlyChanged = 2,

    /// <summary>By serving name (bytewise), then creation time, then id.</summary>
    ServingName = 3,

    /// <summary>
    /// By the price per hour of the metered run, zero without one, then creation time, then id, all descending. A run that
    /// starts or ends between two page reads moves.
    /// </summary>
    BurnRate = 4,
}

[GenerateSerializer, Immutable, Alias("scheduler.InstanceCursor")]
public sealed record InstanceCursor([property: Id(0)] DateTimeOffset CreatedAt, [property: Id(1)] InstanceId Id)
{
    /// <summary>Time of its last write; set in a list by <see cref="InstanceSort.RecentlyChanged"/>.</summary>
    [Id(2)]
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Its serving name; set in a list by <see cref="InstanceSort.ServingName"/>.</summary>
    [Id(3)]
    public string? ServingName { get; init; }

    /// <summary>Its burn rate; set in a list by <see cref="InstanceSort.BurnRate"/>.</summary>
    [Id(4)]
    public MicroEuro? BurnPerHour { get; init; }
}

/// <param name="Next">Cursor of the next page; null after the last page.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstancePage")]
public sealed record InstancePage(
    [property: Id(0)] ImmutableArray<InstanceRecord> Instances,
    [property: Id(1)] InstanceCursor? Next
);
