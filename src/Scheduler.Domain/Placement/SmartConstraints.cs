using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>A launch's constraints. The preferences rank, all others filter; an empty list means "any".</summary>
[GenerateSerializer, Immutable, Alias("scheduler.SmartConstraints")]
public sealed record SmartConstraints
{
    public static SmartConstraints None { get; } = new();

    /// <summary>For the whole instance; null means any.</summary>
    [Id(0)]
    public MicroEuro? MaxPricePerHour { get; init; }

    [Id(1)]
    public ImmutableArray<string> Regions { get; init; } = [];

    [Id(2)]
    public CapacityTier MinimumTier { get; init; } = CapacityTier.Community;

    /// <summary>Whether the caller accepts capacity that the provider may take back.</summary>
    [Id(3)]
    public bool SpotAllowed { get; init; } = true;

    /// <summary>Name in the GPU catalogue (manual mode); null in smart mode.</summary>
    [Id(4)]
    public string? GpuType { get; init; }

    /// <summary>Manual mode; null means any.</summary>
    [Id(5)]
    public int? GpuCount { get; init; }

    [Id(6)]
    public ImmutableArray<string> Providers { get; init; } = [];

    /// <summary>Most preferred first; decides between equal prices.</summary>
    [Id(7)]
    public ImmutableArray<string> GpuPreferences { get; init; } = [];

    /// <summary>Most preferred first; decides where price and GPU preference are equal.</summary>
    [Id(8)]
    public ImmutableArray<string> ProviderPreferences { get; init; } = [];

    /// <summary>Whether prompts and answers must be encrypted, or stay on this host, between the gateway and the runtime.</summary>
    [Id(9)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RequireEncryptedPath { get; init; }
}
