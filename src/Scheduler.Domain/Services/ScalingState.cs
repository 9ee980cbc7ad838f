namespace Scheduler.Domain.Services;

/// <summary>How many replicas a service wants, and why. Part of the stored record.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScalingState")]
public sealed record ScalingState
{
    /// <summary>Replicas wanted now, without spares.</summary>
    [Id(0)]
    public int Wanted { get; init; }

    /// <summary>When <see cref="Wanted"/> last changed.</summary>
    [Id(1)]
    public DateTimeOffset Since { get; init; }

    /// <summary><see cref="Wanted"/> at the beginning of the step period.</summary>
    [Id(2)]
    public int StepBase { get; init; }

    /// <summary>Begin of the step period, see <see cref="ScalingDecision.StepPeriod"/>.</summary>
    [Id(3)]
    public DateTimeOffset StepSince { get; init; }

    /// <summary>What the load asked for, before any limit.</summary>
    [Id(4)]
    public int Asked { get; init; }

    [Id(5)]
    public ScalingLimit Limit { get; init; }

    /// <summary>The numbers that the decision came from, in one line.</summary>
    [Id(6)]
    public string Why { get; init; } = "";
}

/// <summary>What keeps the number of wanted replicas below what the load asks for.</summary>
public enum ScalingLimit
{
    None = 0,

    /// <summary><see cref="ServiceSpec.Most"/>.</summary>
    Max = 1,

    /// <summary><see cref="ServiceBudget"/>: per hour or per day.</summary>
    Budget = 2,

    /// <summary>One step adds only a part; the next follows.</summary>
    Step = 3,

    /// <summary>The service is paused.</summary>
    Paused = 4,
}
