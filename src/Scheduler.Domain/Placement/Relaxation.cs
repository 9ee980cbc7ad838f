using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>
/// One smallest set of constraints whose loosening would match: leave any of them as it is, and nothing does. The values are the
/// nearest ones: <see cref="Loosened"/> is the request to send.
/// </summary>
/// <param name="Edits">What to change, one per constraint, in the funnel's order.</param>
/// <param name="Loosened">The constraints with all edits made; with these, <see cref="Best"/> is chosen.</param>
/// <param name="Offers">Offers that match with <paramref name="Loosened"/>.</param>
/// <param name="OffersInReach">Offers that some other value of the same constraints would win, these included.</param>
/// <param name="Best">The offer that would be chosen.</param>
/// <param name="PriceDelta">Its price less the maximum asked for, so above zero when the maximum is to be raised; null without one.</param>
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
    /// <summary>The edits alone, as one instruction: <c>allow spot and add region eu-west</c>.</summary>
    public string Change => string.Join(" and ", Edits.Select(edit => edit.Text));

    /// <summary>One instruction: <c>max price 1.10 → 1.29 EUR/h: 14 offers</c>.</summary>
    public override string ToString() =>
        $"{Change}: {Offers} {(Offers == 1 ? "offer" : "offers")}, best {Best.PricePerHour} EUR/h";
}

/// <summary>One change to one constraint.</summary>
/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="From">The value asked for, as text.</param>
/// <param name="To">The value to ask for, or to add to a list.</param>
/// <param name="Text">The change as an instruction, for example <c>add region eu-west</c>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ConstraintEdit")]
public sealed record ConstraintEdit(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string From,
    [property: Id(2)] string To,
    [property: Id(3)] string Text
);
