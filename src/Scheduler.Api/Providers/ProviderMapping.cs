using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Keys;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;

namespace Scheduler.Api.Providers;

internal static class ProviderMapping
{
    public static V1.Provider ToProto(this ProviderView all, Caller caller)
    {
        var view = all.For(caller);
        var proto = new V1.Provider
        {
            Name = ResourceName.Provider(view.Id),
            Draining = view.Draining,
            Breaker = view.Breaker switch
            {
                BreakerState.Closed => V1.BreakerState.Closed,
                BreakerState.Open => V1.BreakerState.Open,
                BreakerState.HalfOpen => V1.BreakerState.HalfOpen,
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            BreakerOpenUntil = view.BreakerOpenUntil.ToProtoTime(),
            Attempts = view.Attempts,
            Successes = view.Successes,
            MedianTimeToAllocate = view.MedianTimeToAllocate is { } median ? Duration.FromTimeSpan(median) : null,
            Offers = view.Offers,
            ListTime = view.ListedAt.ToProtoTime(),
            ListingError = view.ListingError ?? "",
            DrainTime = view.Drain?.At.ToProtoTime(),
            DrainedBy = view.Drain?.Actor ?? "",
            DrainReason = view.Drain?.Reason ?? "",
        };
        proto.CoolingRoutes.AddRange(
            view.CoolingRoutes.Select(cooling => new V1.CoolingRoute
            {
                Region = cooling.Route.Region,
                GpuType = cooling.Route.GpuType,
                Until = cooling.Until.ToProtoTime(),
            })
        );
        proto.SkippedOffers.Add(view.Skipped);
        proto.OnlyFor.AddRange(view.OnlyFor.Select(ResourceName.Account));
        return proto;
    }

    public static V1.Offer ToProto(this Offer offer) =>
        new()
        {
            Provider = ResourceName.Provider(offer.Provider),
            OfferId = offer.OfferId,
            Region = offer.Region,
            GpuType = offer.GpuType,
            GpuCount = offer.GpuCount,
            Tier = offer.Tier.ToProto(),
            Spot = offer.Spot,
            PricePerHourMicroEur = offer.PricePerHour.Value,
            Available = offer.Available,
            QuotedCurrency = offer.Quoted?.Currency ?? "",
            QuotedMicroUnitsPerHour = offer.Quoted?.MicroUnitsPerHour ?? 0,
            EncryptedPath = offer.EncryptedPath,
        };

    public static V1.CapacityTier ToProto(this CapacityTier tier) =>
        tier switch
        {
            CapacityTier.Community => V1.CapacityTier.Community,
            CapacityTier.Standard => V1.CapacityTier.Standard,
            CapacityTier.Dedicated => V1.CapacityTier.Dedicated,
            _ => throw new UnreachableException(),
        };

    public static V1.GpuType ToProto(this GpuTypeView view)
    {
        var proto = new V1.GpuType
        {
            GpuType_ = view.Name,
            Vendor = view.Vendor,
            Architecture = view.Architecture,
            VramBytes = view.VramBytes,
            MemoryBandwidthGbPerSecond = view.MemoryBandwidthGbPerSecond,
            Fp8 = view.Fp8,
            Fp4 = view.Fp4,
        };
        proto.Aliases.AddRange(view.Aliases);
        return proto;
    }
}
