namespace Scheduler.Domain.Billing;

/// <summary>What a launch needs before it may use money.</summary>
/// <param name="Minimum">The configured minimum of balance − accrued − holds.</param>
public readonly record struct LaunchThreshold(MicroEuro Minimum)
{
    /// <summary>What is put aside for one run: one hour at its price, at least the minimum.</summary>
    /// <param name="pricePerHour">Price snapshot.</param>
    public MicroEuro HoldFor(MicroEuro pricePerHour) => MicroEuro.Max(Minimum, pricePerHour);
}
