using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>
/// What a launch asks of its capacity. The first group filters (hard), the second ranks (soft). An empty list means "any".
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.SmartConstraints")]
public sealed record SmartConstraints
{
    /// <summary>Nothing asked: any offer that fits.</summary>
    public static SmartConstraints None { get; } = new();

    /// <summary>Hard: highest acceptable price per hour for the whole instance; null means any.</summary>
    [Id(0)]
    public MicroEuro? MaxPricePerHour { get; init; }

    /// <summary>Hard: acceptable regions; empty means any.</summary>
    [Id(1)]
    public ImmutableArray<string> Regions { get; init; } = [];

    /// <summary>Hard: lowest acceptable tier.</summary>
    [Id(2)]
    public CapacityTier MinimumTier { get; init; } = CapacityTier.Community;

    /// <summary>Hard: whether capacity that may be taken back is acceptable.</summary>
    [Id(3)]
    public bool SpotAllowed { get; init; } = true;

    /// <summary>Hard (manual mode): the one GPU type asked for, by catalogue name; null in smart mode.</summary>
    [Id(4)]
    public string? GpuType { get; init; }

    /// <summary>Hard (manual mode): how many GPUs; null means any count.</summary>
    [Id(5)]
    public int? GpuCount { get; init; }

    /// <summary>Hard: acceptable providers; empty means any.</summary>
    [Id(6)]
    public ImmutableArray<string> Providers { get; init; } = [];

    /// <summary>Soft: GPU types, most liked first; breaks ties of price.</summary>
    [Id(7)]
    public ImmutableArray<string> GpuPreferences { get; init; } = [];

    /// <summary>Soft: providers, most liked first; breaks ties that GPU preference leaves.</summary>
    [Id(8)]
    public ImmutableArray<string> ProviderPreferences { get; init; } = [];
}
