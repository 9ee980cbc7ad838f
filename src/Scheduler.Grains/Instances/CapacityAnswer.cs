using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Instances;

/// <summary>The answer of a waiting instance to offers that appeared.</summary>
/// <param name="Taken">The offer of its new attempt; null when it began none.</param>
/// <param name="IsRepeated">Whether its silo did not know the offers yet, so that it must be asked again.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CapacityAnswer")]
internal sealed record CapacityAnswer([property: Id(0)] Offer? Taken, [property: Id(1)] bool IsRepeated)
{
    public static CapacityAnswer NotUsed { get; } = new(null, false);

    public static CapacityAnswer NotKnownYet { get; } = new(null, true);

    public static CapacityAnswer Used(Offer offer) => new(offer, false);
}
