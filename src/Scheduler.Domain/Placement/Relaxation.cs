using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>
/// One minimal set of constraints to loosen for a match: if any of them stays as it is, nothing matches. The values are
/// the nearest ones; <see cref="Loosened"/> is the request to send.
/// </summary>
/// <param name="Edits">One per constraint, in the funnel's order.</param>
/// <param name="Loosened">The constraints with all edits applied; with these, <see cref="Best"/> is chosen.</param>
/// <param name="Offers">The number of offers that match <paramref name="Loosened"/>.</param>
/// <param name="OffersInReach">Offers that any values of these constraints can admit, these included.</param>
/// <param name="PriceDelta">
/// The price of <paramref name="Best"/> less the requested maximum, so above zero when the maximum has to rise; null
/// when the request has no maximum.
/// </param>
[GenerateSerializer, Immutable, Alias("scheduler.Relaxation")]
public sealed record Relaxation(
    [property: Id(0)] ImmutableArray<ConstraintEdit> Edits,
    [property: Id(1)] SmartConstraints Loosened,
    [property: Id(2)] int Offers,
    [property: Id(3)] int OffersInReach,
    [property: Id(4)] Offer Best,
    [property: Id(5)] MicroEuro? PriceDelta
)
{
    /// <summary>For example <c>allow spot and add region eu-west</c>.</summary>
    public string Change => string.Join(" and ", Edits.Select(edit => edit.Text));

    /// <summary>
    /// Wire names of the loosened constraints that name a region, provider or GPU type; empty when the change keeps everything that the
    /// request names.
    /// </summary>
    public ImmutableArray<string> Leaves =>
        [.. Edits.Select(edit => edit.Constraint).Where(PlacementSolver.NamingConstraints.Contains)];

    /// <summary>Marks a change in a text when <see cref="Leaves"/> is not empty.</summary>
    public const string LeavesMark = "leaves what the request names";

    /// <summary>For example <c>max price 1.10 → 1.29 EUR/h: 14 offers, best 1.29 EUR/h</c>.</summary>
    public override string ToString() =>
        $"{Change}{(Leaves.IsEmpty ? "" : $" ({LeavesMark})")}: {Offers} {(Offers == 1 ? "offer" : "offers")}, best {Best.PricePerHour} EUR/h";
}

/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="From">The requested value, as text.</param>
/// <param name="To">The value to request, or to add to a list.</param>
/// <param name="Text">For example <c>add region eu-west</c>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ConstraintEdit")]
public sealed record ConstraintEdit(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string From,
    [property: Id(2)] string To,
    [property: Id(3)] string Text
);
