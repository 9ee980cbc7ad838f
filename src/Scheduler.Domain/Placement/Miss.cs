namespace Scheduler.Domain.Placement;

/// <summary>How one offer fails one constraint, and by how much.</summary>
/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="Wanted">The value in the request.</param>
/// <param name="Offered">The value of the offer.</param>
/// <param name="Margin">Distance between the two, > 0; null where the values have no distance.</param>
/// <param name="Unit">Of the margin: <c>micro_eur_per_hour</c>, <c>tiers</c>, <c>gpus</c> or <c>instances</c>.</param>
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
    public override string ToString() => $"{Constraint}: wanted {Wanted}, offered {Offered}";
}
