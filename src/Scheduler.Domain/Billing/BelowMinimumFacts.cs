using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Billing;

/// <summary>The account has too little money for a launch, or is suspended.</summary>
/// <param name="Accrued">Running cost not yet in the ledger.</param>
/// <param name="Needed">The hold of this launch, or the minimum of any launch.</param>
/// <param name="Chosen">The offer that the hold is for; null when the minimum of any launch was missing.</param>
/// <param name="Affordable">The best offer that the available money pays for; null when there is none.</param>
public sealed record BelowMinimumFacts(
    AccountId Account,
    bool Suspended,
    MicroEuro Balance,
    MicroEuro Accrued,
    MicroEuro Holds,
    MicroEuro Needed,
    Offer? Chosen,
    Offer? Affordable
) : FailureFacts(FailureCode.BillingBelowMinimum)
{
    /// <summary>Name of the detail with the code of <see cref="Also"/>, whose own details are then among these.</summary>
    internal const string AlsoCode = "also_code";

    /// <summary>The failure that the launch would have with enough money; null when it would start.</summary>
    public Failure? Also { get; init; }

    /// <summary>The top-up that makes the launch possible.</summary>
    public MicroEuro Missing => MicroEuro.Max(MicroEuro.Zero, Needed - (Balance - Accrued - Holds));

    protected internal override FailureText Describe()
    {
        var available = Balance - Accrued - Holds;
        var message = Suspended
            ? $"Account {Account} is suspended."
            : $"Account {Account} has {available} EUR to spend (balance {Balance}, running cost {Accrued}, holds {Holds}); "
                + $"the launch needs {Needed} EUR.";
        var details = Details(
            ("balance_micro_eur", Balance.Value),
            ("accrued_micro_eur", Accrued.Value),
            ("holds_micro_eur", Holds.Value),
            ("available_micro_eur", available.Value),
            ("needed_micro_eur", Needed.Value),
            ("top_up_micro_eur", Missing.Value),
            ("suspended", Suspended ? "true" : null),
            ("offer", Chosen?.Route.ToString()),
            ("offer_price_per_hour_micro_eur", Chosen?.PricePerHour.Value),
            ("affordable_offer", Affordable?.Route.ToString()),
            ("affordable_price_per_hour_micro_eur", Affordable?.PricePerHour.Value)
        );
        return Also is null || Suspended
            ? new FailureText(message, Hint(), details)
            : new FailureText(
                $"{message} Besides, it would fail with {Also.Code.WireName()}: {Also.Message}",
                $"Top up at least {Missing} EUR. Besides: {Also.Hint}",
                Also.Details.SetItems(details).SetItem(AlsoCode, Also.Code.WireName())
            );
    }

    private string Hint()
    {
        if (Suspended)
        {
            return "Ask the operator to lift the suspension, then start again.";
        }

        var topUp = $"Top up at least {Missing} EUR and start again";
        return Affordable is null
            ? topUp + "."
            : $"{topUp}, or set max_price_per_hour_micro_eur to {Affordable.PricePerHour.Value} to launch on "
                + $"{Affordable.Route} at {Affordable.PricePerHour} EUR/h, which the account can pay now.";
    }
}
