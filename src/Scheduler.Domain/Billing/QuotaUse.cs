namespace Scheduler.Domain.Billing;

/// <summary>How much of a quota an account uses.</summary>
/// <param name="Limit">The account's own limit, or the default.</param>
/// <param name="Default">The limit of accounts without one of their own.</param>
[GenerateSerializer, Immutable, Alias("scheduler.QuotaUse")]
public sealed record QuotaUse(
    [property: Id(0)] Quota Quota,
    [property: Id(1)] long Used,
    [property: Id(2)] long Limit,
    [property: Id(3)] long Default
);
