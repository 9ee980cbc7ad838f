using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>Why an offer was left out of a snapshot. A provider's nonsense costs that provider one offer, never a refresh.</summary>
public enum OfferFault
{
    /// <summary>A price below zero.</summary>
    NegativePrice = 1,

    /// <summary>Fewer than one GPU.</summary>
    NoGpu = 2,

    /// <summary>Fewer than zero of it available.</summary>
    NegativeAvailability = 3,

    /// <summary>No provider, id, region or GPU type.</summary>
    NameMissing = 4,

    /// <summary>A capacity tier that is not one of ours.</summary>
    UnknownTier = 5,

    /// <summary>The provider already listed an offer with this id; the first one stays.</summary>
    DuplicateId = 6,

    /// <summary>Listed by one provider in another one's name.</summary>
    ForeignProvider = 7,

    /// <summary>More distinct providers, regions, shapes or currencies than a snapshot can number.</summary>
    TooManyDistinctValues = 8,
}

/// <summary>How many offers of one provider were left out for one reason.</summary>
/// <param name="Provider">Who listed them.</param>
/// <param name="Fault">Why they were left out.</param>
/// <param name="Offers">How many.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OfferFaultCount")]
public sealed record OfferFaultCount(
    [property: Id(0)] ProviderId Provider,
    [property: Id(1)] OfferFault Fault,
    [property: Id(2)] int Offers
);
