using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>What a service keeps alive, and how. An update replaces it as a whole.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceSpec")]
public sealed record ServiceSpec
{
    /// <summary>The launch of every replica. A changed template is a new revision.</summary>
    [Id(0)]
    public LaunchSpec Template { get; init; } = new();

    /// <summary>0 to <see cref="ServiceValidation.MostReplicas"/>; 0 lets the service stop when it is idle.</summary>
    [Id(1)]
    public int MinReplicas { get; init; } = 1;

    /// <summary>Null for <see cref="MinReplicas"/>, but at least 1.</summary>
    [Id(2)]
    public int? MaxReplicas { get; init; }

    [Id(3)]
    public ScalingSettings Scaling { get; init; } = new();

    [Id(4)]
    public HoldSettings Hold { get; init; } = new();

    [Id(5)]
    public SpotSettings Spot { get; init; } = new();

    [Id(6)]
    public UpdateSettings Update { get; init; } = new();

    [Id(7)]
    public ServiceAffinity Affinity { get; init; }

    [Id(8)]
    public ServiceBudget Budget { get; init; } = new();

    /// <summary>Whether the service stays as it is: no replica is added, removed or replaced.</summary>
    [Id(9)]
    public bool Paused { get; init; }

    /// <summary>Slug of the firewall for all requests to the service; null for none.</summary>
    [Id(10)]
    public string? Firewall { get; init; }

    /// <summary>Most replicas that the load may ask for.</summary>
    [JsonIgnore]
    public int Most => MaxReplicas ?? Math.Max(1, MinReplicas);
}

/// <summary>How the number of wanted replicas follows the load.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScalingSettings")]
public sealed record ScalingSettings
{
    public const int StandardTargetOutstanding = 8;

    /// <summary>Requests outstanding per replica; null for the default when no other target is set.</summary>
    [Id(0)]
    public int? TargetOutstanding { get; init; }

    /// <summary>Output tokens a second per replica, instead of outstanding requests; null for those.</summary>
    [Id(1)]
    public int? TargetTokensPerSecond { get; init; }

    /// <summary>The largest load of this time decides whether replicas are added.</summary>
    [Id(2)]
    public TimeSpan UpWindow { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The largest load of this time decides whether replicas are removed.</summary>
    [Id(3)]
    public TimeSpan DownWindow { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Time without any load after which a service with a minimum of 0 has no replica.</summary>
    [Id(4)]
    public TimeSpan IdleToZero { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>The target that applies: requests, or tokens a second.</summary>
    [JsonIgnore]
    public int Target => TargetTokensPerSecond ?? TargetOutstanding ?? StandardTargetOutstanding;

    [JsonIgnore]
    public bool CountsTokens => TargetTokensPerSecond is not null;
}

/// <summary>Limits of the requests that wait in the gateways for the first ready replica.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HoldSettings")]
public sealed record HoldSettings
{
    /// <summary>Most held requests of the service in one gateway process; 0 holds none.</summary>
    [Id(0)]
    public int MaxRequests { get; init; } = 100;

    [Id(1)]
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>Which capacity replicas may use.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.SpotSettings")]
public sealed record SpotSettings
{
    [Id(0)]
    public SpotPolicy Policy { get; init; }

    /// <summary>Replicas that always run on on-demand capacity.</summary>
    [Id(1)]
    public int OnDemandFloor { get; init; }

    /// <summary>Fewest routes over which spot replicas are spread.</summary>
    [Id(2)]
    public int Spread { get; init; } = 2;

    /// <summary>Replicas above the wanted number, against lost capacity.</summary>
    [Id(3)]
    public int Spares { get; init; }
}

public enum SpotPolicy
{
    /// <summary>Whatever the template's constraints permit, without a preference.</summary>
    Allowed = 0,

    /// <summary>On-demand capacity only.</summary>
    Never = 1,

    /// <summary>Spot capacity where it is to be had, and on-demand capacity while it is not.</summary>
    Preferred = 2,
}

/// <summary>How replicas of a changed template replace the earlier ones.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateSettings")]
public sealed record UpdateSettings
{
    /// <summary>Most replicas above the wanted number.</summary>
    [Id(0)]
    public int MaxSurge { get; init; } = 1;

    /// <summary>Most replicas below the wanted number that are not ready because of the update.</summary>
    [Id(1)]
    public int MaxUnavailable { get; init; }

    /// <summary>Longest time for which a replica that leaves finishes its requests.</summary>
    [Id(2)]
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>How requests are given to replicas.</summary>
public enum ServiceAffinity
{
    /// <summary>The replica with the fewest requests in progress is next.</summary>
    None = 0,

    /// <summary>Requests of one session go to one replica while its load permits.</summary>
    Session = 1,

    /// <summary>Requests whose prompts begin alike go to one replica while its load permits.</summary>
    Prefix = 2,
}

/// <summary>The most that the replicas of a service may cost; null for no limit.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceBudget")]
public sealed record ServiceBudget
{
    /// <summary>Of all replicas together. Wins over the minimum of replicas.</summary>
    [Id(0)]
    public MicroEuro? MaxPricePerHour { get; init; }

    /// <summary>From midnight to midnight, UTC. Once it is spent, the service has no replica until the next day.</summary>
    [Id(1)]
    public MicroEuro? MaxPerDay { get; init; }
}
