using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>A GPU instance type that a provider rents out, at one moment.</summary>
/// <param name="OfferId">The provider's id of this offer; unique within the provider at one moment.</param>
/// <param name="Region">The provider's own region name.</param>
/// <param name="GpuType">Name in the GPU catalogue, already resolved from the provider's alias.</param>
/// <param name="GpuCount">GPUs in the whole instance, ≥ 1.</param>
/// <param name="Spot">Whether the provider may take the instance back.</param>
/// <param name="PricePerHour">Price of the whole instance per hour, ≥ 0.</param>
/// <param name="Available">Number of instances available now, ≥ 0.</param>
/// <param name="Quoted">The price in the provider's currency; null when the provider quotes EUR.</param>
/// <param name="EncryptedPath">Whether requests to a runtime on it are encrypted on the way, or stay on this host.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Offer")]
public sealed record Offer(
    [property: Id(0)] ProviderId Provider,
    [property: Id(1)] string OfferId,
    [property: Id(2)] string Region,
    [property: Id(3)] string GpuType,
    [property: Id(4)] int GpuCount,
    [property: Id(5)] CapacityTier Tier,
    [property: Id(6)] bool Spot,
    [property: Id(7)] MicroEuro PricePerHour,
    [property: Id(8)] int Available,
    [property: Id(9)] QuotedPrice? Quoted = null,
    [property: Id(10), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool EncryptedPath = false
)
{
    [JsonIgnore]
    public Route Route => new(Provider, Region, GpuType);
}

/// <summary>A price in the provider's own currency, kept beside the converted one.</summary>
/// <param name="Currency">ISO 4217, for example <c>USD</c>.</param>
/// <param name="MicroUnitsPerHour">Millionths of one currency unit per hour.</param>
[GenerateSerializer, Immutable, Alias("scheduler.QuotedPrice")]
public sealed record QuotedPrice([property: Id(0)] string Currency, [property: Id(1)] long MicroUnitsPerHour);
