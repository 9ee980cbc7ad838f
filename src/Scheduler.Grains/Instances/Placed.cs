using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Grains.Models;

namespace Scheduler.Grains.Instances;

/// <summary>The result of placement.</summary>
internal sealed record Placed
{
    /// <summary>Null when no model has that name.</summary>
    public LaunchModel? Model { get; init; }

    public PlacementRequest? Request { get; init; }

    public OfferSnapshot? Snapshot { get; init; }

    public PlacementDecision? Decision { get; init; }

    /// <summary>The best offer; null when no offer matches.</summary>
    public Offer? Offer { get; init; }

    /// <summary>The reason for this offer, one line.</summary>
    public string Why { get; init; } = "";

    /// <summary>The published name of the model to load.</summary>
    public string ModelSource { get; init; } = "";

    /// <summary>Null when there is an offer.</summary>
    public Failure? Failure { get; init; }

    /// <summary>Whether offers that appear later may cure the failure, because the spec names nothing that is unknown.</summary>
    public bool IsCuredByTime { get; init; }

    /// <summary>Whether the route of the best offer failed lately, so that an attempt now is not promising.</summary>
    public bool IsOnFailedRoute => Decision is { Ranked: [{ RankedLast: true }, ..] };
}
