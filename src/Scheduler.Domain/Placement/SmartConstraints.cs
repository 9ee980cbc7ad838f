using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>
/// The constraints of a launch on its capacity. Hard constraints filter, soft ones rank. An empty list means "any".
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.SmartConstraints")]
public sealed record SmartConstraints
{
    /// <summary>No constraint: any offer that fits.</summary>
    public static SmartConstraints None { get; } = new();

    /// <summary>Hard: maximum price per hour for the whole instance; null means any.</summary>
    [Id(0)]
    public MicroEuro? MaxPricePerHour { get; init; }

    /// <summary>Hard: acceptable regions; empty means any.</summary>
    [Id(1)]
    public ImmutableArray<string> Regions { get; init; } = [];

    /// <summary>Hard: lowest acceptable tier.</summary>
    [Id(2)]
    public CapacityTier MinimumTier { get; init; } = CapacityTier.Community;

    /// <summary>Hard: whether the caller accepts capacity that the provider may take back.</summary>
    [Id(3)]
    public bool SpotAllowed { get; init; } = true;

    /// <summary>Hard (manual mode): the requested GPU type, by catalogue name; null in smart mode.</summary>
    [Id(4)]
    public string? GpuType { get; init; }

    /// <summary>Hard (manual mode): the number of GPUs; null means any.</summary>
    [Id(5)]
    public int? GpuCount { get; init; }

    /// <summary>Hard: acceptable providers; empty means any.</summary>
    [Id(6)]
    public ImmutableArray<string> Providers { get; init; } = [];

    /// <summary>Soft: GPU types, most preferred first; decides between equal prices.</summary>
    [Id(7)]
    public ImmutableArray<string> GpuPreferences { get; init; } = [];

    /// <summary>Soft: providers, most preferred first; decides where price and GPU preference are equal.</summary>
    [Id(8)]
    public ImmutableArray<string> ProviderPreferences { get; init; } = [];
}
