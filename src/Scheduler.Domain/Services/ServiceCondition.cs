using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Services;

/// <summary>One aspect of a service's state.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceCondition")]
public sealed record ServiceCondition
{
    [Id(0)]
    public ServiceConditionType Type { get; init; }

    [Id(1)]
    public bool Status { get; init; }

    /// <summary>A stable token, for example <c>Budget</c>.</summary>
    [Id(2)]
    public string Reason { get; init; } = "";

    /// <summary>One sentence with the numbers.</summary>
    [Id(3)]
    public string Message { get; init; } = "";

    /// <summary>When status or reason last changed.</summary>
    [Id(4)]
    public DateTimeOffset Since { get; init; }

    /// <summary>The request that led to it.</summary>
    [Id(5)]
    public RequestId RequestId { get; init; }
}

public enum ServiceConditionType
{
    /// <summary>As many replicas serve as are wanted, and at least one.</summary>
    Ready = 1,

    /// <summary>A revision is rolling out.</summary>
    Progressing = 2,

    /// <summary>A limit keeps the number of replicas below what the load asks for.</summary>
    ScalingLimited = 3,

    /// <summary>For more than a minute fewer replicas than wanted serve.</summary>
    Degraded = 4,
}
