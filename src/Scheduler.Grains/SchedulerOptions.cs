using Scheduler.Domain.Billing;

namespace Scheduler.Grains;

/// <summary>Settings of the scheduler itself, section <c>Scheduler</c>.</summary>
public sealed class SchedulerOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Scheduler";

    /// <summary>The tag every allocation carries, so that two schedulers at one provider never touch each other's.</summary>
    /// <value><c>local</c></value>
    public string ClusterId { get; set; } = "local";

    /// <summary>Launches.</summary>
    public LaunchOptions Launch { get; set; } = new();

    /// <summary>Money.</summary>
    public BillingOptions Billing { get; set; } = new();

    /// <summary>Providers.</summary>
    public ProviderCareOptions Providers { get; set; } = new();

    /// <summary>Firewalls.</summary>
    public FirewallOptions Firewalls { get; set; } = new();

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults()
    {
        if (string.IsNullOrWhiteSpace(ClusterId) || ClusterId.Length > 63)
        {
            yield return $"{Section}:{nameof(ClusterId)} is '{ClusterId}'; accepted: 1 to 63 characters";
        }

        if (Launch.MaxReroutes is < 0 or > 100)
        {
            yield return $"{Section}:Launch:MaxReroutes is '{Launch.MaxReroutes}'; accepted: 0 to 100";
        }

        if (Billing.LaunchMinimumEuros is < 0 or > 1_000_000)
        {
            yield return $"{Section}:Billing:LaunchMinimumEuros is '{Billing.LaunchMinimumEuros}'; accepted: 0 to 1000000";
        }

        if (Providers.BreakerFailures is < 1 or > 1000)
        {
            yield return $"{Section}:Providers:BreakerFailures is '{Providers.BreakerFailures}'; accepted: 1 to 1000";
        }

        if (Firewalls.EvaluationsKept is < 100 or > 10_000_000)
        {
            yield return $"{Section}:Firewalls:EvaluationsKept is '{Firewalls.EvaluationsKept}'; accepted: 100 to 10000000";
        }

        if (
            Firewalls.EvaluationsKeptFor < TimeSpan.FromHours(1)
            || Firewalls.EvaluationsKeptFor > TimeSpan.FromDays(3650)
        )
        {
            yield return $"{Section}:Firewalls:EvaluationsKeptFor is '{Firewalls.EvaluationsKeptFor}'; accepted: 01:00:00 to 3650.00:00:00";
        }

        foreach (var (name, span) in Spans())
        {
            if (span <= TimeSpan.Zero || span > TimeSpan.FromDays(30))
            {
                yield return $"{Section}:{name} is '{span}'; accepted: above 0, to 30.00:00:00";
            }
        }
    }

    private IEnumerable<(string Name, TimeSpan Span)> Spans() =>
        [
            ("Launch:AllocationTimeout", Launch.AllocationTimeout),
            ("Launch:StartTimeout", Launch.StartTimeout),
            ("Launch:RouteCooldown", Launch.RouteCooldown),
            ("Launch:ProbeEvery", Launch.ProbeEvery),
            ("Launch:DebtRetry", Launch.DebtRetry),
            ("Billing:SettleEvery", Billing.SettleEvery),
            ("Billing:LowBalanceAhead", Billing.LowBalanceAhead),
            ("Providers:RefreshEvery", Providers.RefreshEvery),
            ("Providers:SweepEvery", Providers.SweepEvery),
            ("Providers:SafetyAge", Providers.SafetyAge),
            ("Providers:HealthWindow", Providers.HealthWindow),
            ("Providers:BreakerOpenFor", Providers.BreakerOpenFor),
        ];
}

/// <summary>How launches wait and re-route.</summary>
public sealed class LaunchOptions
{
    /// <summary>Longest wait for capacity, where the launch names none.</summary>
    /// <value>60 s</value>
    public TimeSpan AllocationTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest wait for a healthy runtime, where the launch names none.</summary>
    /// <value>10 min</value>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a route that failed ranks last.</summary>
    /// <value>10 min</value>
    public TimeSpan RouteCooldown { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often <c>auto_reroute</c> starts again within one launch.</summary>
    /// <value>3</value>
    public int MaxReroutes { get; set; } = 3;

    /// <summary>Time between health probes of a booting runtime.</summary>
    /// <value>1 s</value>
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between attempts to pay a debt (release, settlement); doubles up to 10 s.</summary>
    /// <value>1 s</value>
    public TimeSpan DebtRetry { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>How money is guarded.</summary>
public sealed class BillingOptions
{
    /// <summary>What balance − accrued − holds must be at least for a launch, EUR.</summary>
    /// <value>1.00</value>
    public decimal LaunchMinimumEuros { get; set; } = 1m;

    /// <summary>How often running meters are entered in the ledger.</summary>
    /// <value>1 h</value>
    public TimeSpan SettleEvery { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long before the balance runs out the low-balance event is given.</summary>
    /// <value>1 h</value>
    public TimeSpan LowBalanceAhead { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The threshold as money.</summary>
    public LaunchThreshold Threshold => new(MicroEuro.CeilingFromEuros(LaunchMinimumEuros));
}

/// <summary>How providers are watched.</summary>
public sealed class ProviderCareOptions
{
    /// <summary>How often offers are listed.</summary>
    /// <value>30 s</value>
    public TimeSpan RefreshEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the provider's list is compared with the instances.</summary>
    /// <value>30 s</value>
    public TimeSpan SweepEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How old an allocation nobody owns must be before it is released, and how long one may be missing before its instance fails.</summary>
    /// <value>60 s</value>
    public TimeSpan SafetyAge { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Span of the health window.</summary>
    /// <value>15 min</value>
    public TimeSpan HealthWindow { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Consecutive failed attempts that open the breaker.</summary>
    /// <value>5</value>
    public int BreakerFailures { get; set; } = 5;

    /// <summary>How long the breaker stays open before one attempt is let through.</summary>
    /// <value>60 s</value>
    public TimeSpan BreakerOpenFor { get; set; } = TimeSpan.FromSeconds(60);
}

/// <summary>How long what firewalls decided is kept; whichever bound is reached first holds.</summary>
public sealed class FirewallOptions
{
    /// <summary>Most evaluations of one account.</summary>
    /// <value>100000</value>
    public int EvaluationsKept { get; set; } = 100_000;

    /// <summary>How old an evaluation becomes; where no new ones come, up to a day more.</summary>
    /// <value>30 days</value>
    public TimeSpan EvaluationsKeptFor { get; set; } = TimeSpan.FromDays(30);
}
