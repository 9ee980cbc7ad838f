using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>The balance was used up while an instance was running.</summary>
/// <param name="Balance">Balance − running cost at that moment.</param>
/// <param name="LaunchNeeds">The hold of the next launch at that price.</param>
public sealed record BalanceExhaustedFacts(
    AccountId Account,
    MicroEuro Balance,
    MicroEuro PricePerHour,
    MicroEuro LaunchNeeds
) : FailureFacts(FailureCode.BalanceExhausted)
{
    protected internal override FailureText Describe()
    {
        var missing = MicroEuro.Max(MicroEuro.Zero, LaunchNeeds - Balance);
        return new FailureText(
            $"The balance of account {Account} reached {Balance} EUR while the instance was running at {PricePerHour} EUR/h.",
            $"Top up at least {missing} EUR and start again; that pays for the first hour at {PricePerHour} EUR/h.",
            Details(
                ("balance_micro_eur", Balance.Value),
                ("price_per_hour_micro_eur", PricePerHour.Value),
                ("needed_micro_eur", LaunchNeeds.Value),
                ("top_up_micro_eur", missing.Value)
            )
        );
    }
}
