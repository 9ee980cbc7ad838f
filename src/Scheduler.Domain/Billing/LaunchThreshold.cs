namespace Scheduler.Domain.Billing;

/// <summary>The money that an account must have available for a launch.</summary>
/// <param name="Minimum">The configured minimum of balance − accrued − holds.</param>
public readonly record struct LaunchThreshold(MicroEuro Minimum)
{
    /// <summary>The hold of one run: one hour at its price, at least the minimum.</summary>
    public MicroEuro HoldFor(MicroEuro pricePerHour) => MicroEuro.Max(Minimum, pricePerHour);
}
