using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Money ran out while running.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Balance">Balance less running cost at that moment.</param>
/// <param name="PricePerHour">Price of the run that was stopped.</param>
/// <param name="LaunchNeeds">What the next launch at that price needs.</param>
public sealed record BalanceExhaustedFacts(
    AccountId Account,
    MicroEuro Balance,
    MicroEuro PricePerHour,
    MicroEuro LaunchNeeds
) : FailureFacts(FailureCode.BalanceExhausted)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe()
    {
        var missing = MicroEuro.Max(MicroEuro.Zero, LaunchNeeds - Balance);
        return new FailureText(
            $"The balance of account {Account} reached {Balance} EUR while the instance was running at {PricePerHour} EUR/h.",
            $"Top up at least {missing} EUR and start again; that pays for the first hour at {PricePerHour} EUR/h.",
            Details(
                ("balance_micro_eur", Balance.Value),
                ("price_per_hour_micro_eur", PricePerHour.Value),
                ("top_up_micro_eur", missing.Value)
            )
        );
    }
}
