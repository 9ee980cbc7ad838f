using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Instances;

/// <summary>Lists instances. Its rows commit with the instances' own writes, so it shows no other truth (INV-12).</summary>
public interface IInstanceIndex
{
    /// <summary>Instances that match, newest first (by creation time, then id).</summary>
    /// <param name="query">Which ones.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<InstancePage> ListAsync(InstanceQuery query, CancellationToken cancellationToken);

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
}

/// <summary>Where a page ended.</summary>
/// <param name="CreatedAt">Creation time of its last instance.</param>
/// <param name="Id">Its id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceCursor")]
public sealed record InstanceCursor([property: Id(0)] DateTimeOffset CreatedAt, [property: Id(1)] InstanceId Id);

/// <summary>One page.</summary>
/// <param name="Instances">The instances.</param>
/// <param name="Next">Where to go on; null after the last page.</param>
[GenerateSerializer, Immutable, Alias("scheduler.InstancePage")]
public sealed record InstancePage(
    [property: Id(0)] ImmutableArray<InstanceRecord> Instances,
    [property: Id(1)] InstanceCursor? Next
);
