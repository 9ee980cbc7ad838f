using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>Why a snapshot skips an offer. An invalid offer never fails the whole refresh.</summary>
public enum OfferFault
{
    NegativePrice = 1,

    NoGpu = 2,

    NegativeAvailability = 3,

    /// <summary>The provider, offer id, region or GPU type is empty.</summary>
    NameMissing = 4,

    /// <summary>A value outside <see cref="CapacityTier"/>.</summary>
    UnknownTier = 5,

    /// <summary>The provider already lists an offer with this id; the first one is kept.</summary>
    DuplicateId = 6,

    /// <summary>An offer that names another provider than the one that lists it.</summary>
    ForeignProvider = 7,

    /// <summary>More distinct providers, regions, shapes or currencies than a snapshot has codes for.</summary>
    TooManyDistinctValues = 8,
}

[GenerateSerializer, Immutable, Alias("scheduler.OfferFaultCount")]
public sealed record OfferFaultCount(
    [property: Id(0)] ProviderId Provider,
    [property: Id(1)] OfferFault Fault,
    [property: Id(2)] int Offers
);
