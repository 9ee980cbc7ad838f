using Scheduler.Domain.Billing;
using Scheduler.Domain.Services;
using Xunit;

namespace Scheduler.DomainTests.Services;

public sealed class ServiceValidationTests
{
    [Fact]
    public void The_defaults_are_valid() => Assert.Empty(ServiceValidation.FaultsOf(new ServiceSpec()));

    [Fact]
    public void All_faults_are_reported_at_once()
    {
        var spec = new ServiceSpec
        {
            MinReplicas = 5,
            MaxReplicas = 3,
            Scaling = new ScalingSettings
            {
                TargetOutstanding = 0,
                TargetTokensPerSecond = -1,
                UpWindow = TimeSpan.FromHours(2),
                IdleToZero = TimeSpan.Zero,
            },
            Hold = new HoldSettings { MaxRequests = -1, MaxWait = TimeSpan.Zero },
            Update = new UpdateSettings { MaxSurge = 0, MaxUnavailable = 0 },
            Budget = new ServiceBudget { MaxPricePerHour = MicroEuro.Zero, MaxPerDay = new MicroEuro(-1) },
        };
        Assert.Equal(
            [
                ("spec.max_replicas", "Is 3, less than min_replicas, which is 5."),
                ("spec.scaling.target_outstanding_per_replica", "Is 0; accepted is 1 to 1000000."),
                ("spec.scaling.target_tokens_per_second", "Is -1; accepted is 1 to 1000000."),
                ("spec.scaling.target_tokens_per_second", "Give only one of the two targets."),
                ("spec.scaling.up_window", "Is 7200 s; accepted is 0 s to 3600 s."),
                ("spec.scaling.idle_to_zero", "Is 0 s; accepted is 1 s to 86400 s."),
                ("spec.hold.max_requests", "Is -1; accepted is 0 to 10000."),
                ("spec.hold.max_wait", "Is 0 s; accepted is 1 s to 3600 s."),
                ("spec.update.max_surge", "Must not be 0 together with max_unavailable: no replica could change."),
                ("spec.budget.max_price_per_hour_micro_eur", "Is 0; accepted is 1 or more."),
                ("spec.budget.max_per_day_micro_eur", "Is -1; accepted is 1 or more."),
            ],
            ServiceValidation.FaultsOf(spec).Select(fault => (fault.Field, fault.Description))
        );
    }

    [Theory]
    [InlineData(999_999, 1_000_000L, true)]
    [InlineData(1_000_000, 1_000_000L, false)]
    [InlineData(1, null, false)]
    public void A_budget_below_the_cheapest_replica_is_refused_with_the_figure(
        long budget,
        long? cheapest,
        bool isFault
    )
    {
        var spec = new ServiceSpec { Budget = new ServiceBudget { MaxPricePerHour = new MicroEuro(budget) } };
        var fault = ServiceValidation.BudgetFault(spec, cheapest is { } price ? new MicroEuro(price) : null);
        Assert.Equal(isFault, fault is not null);
        if (fault is not null)
        {
            Assert.Contains(
                "one replica costs at least 1000000 (1.00 EUR) an hour now",
                fault.Description,
                StringComparison.Ordinal
            );
        }
    }
}
