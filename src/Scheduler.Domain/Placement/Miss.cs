namespace Scheduler.Domain.Placement;

/// <summary>What one offer lacks of one constraint, and by how much.</summary>
/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="Reason">Why it is refused, in words.</param>
/// <param name="Wanted">What the request asks.</param>
/// <param name="Offered">What the offer has.</param>
/// <param name="Margin">How far off, > 0; null where values have no distance.</param>
/// <param name="Unit">Of the margin: <c>micro_eur_per_hour</c>, <c>tiers</c>, <c>gpus</c>, <c>instances</c>.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Miss")]
public sealed record Miss(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string Reason,
    [property: Id(2)] string Wanted,
    [property: Id(3)] string Offered,
    [property: Id(4)] long? Margin,
    [property: Id(5)] string? Unit
)
{
    /// <summary><c>max_price: wanted at most 1.10 EUR/h, offered 1.29 EUR/h</c>.</summary>
    public override string ToString() => $"{Constraint}: wanted {Wanted}, offered {Offered}";
}
