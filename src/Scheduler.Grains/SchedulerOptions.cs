using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Settings;

namespace Scheduler.Grains;

/// <summary>Settings of the scheduler itself; configuration section <c>Scheduler</c>.</summary>
public sealed class SchedulerOptions
{
    public const string Section = "Scheduler";

    /// <summary>Tag on every allocation; it separates the schedulers that share a provider.</summary>
    /// <value><c>local</c></value>
    [Required(ErrorMessage = "1 to 63 characters")]
    [StringLength(63, ErrorMessage = "1 to 63 characters")]
    public string ClusterId { get; set; } = "local";

    /// <summary>
    /// Most difference between the clock of a silo's host, or the scheduler's time, and the database's clock. Beyond it the silo is not ready.
    /// PostgreSQL only.
    /// </summary>
    /// <value>1 min</value>
    [DurationRange("00:00:01", "30.00:00:00")]
    public TimeSpan MostClockSkew { get; set; } = TimeSpan.FromMinutes(1);

    public LaunchOptions Launch { get; set; } = new();

    public BillingOptions Billing { get; set; } = new();

    public QuotaOptions Quotas { get; set; } = new();

    public ProviderCareOptions Providers { get; set; } = new();

    public FirewallOptions Firewalls { get; set; } = new();

    public RequestOptions Requests { get; set; } = new();
}

/// <summary>Timeouts and re-routing of launches.</summary>
public sealed class LaunchOptions
{
    /// <summary>Longest wait for capacity, where the launch sets none.</summary>
    /// <value>60 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan AllocationTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Longest wait for a healthy runtime, where the launch sets none.</summary>
    /// <value>10 min</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a failed route ranks last.</summary>
    /// <value>10 min</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan RouteCooldown { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Most restarts by <c>auto_reroute</c> within one launch.</summary>
    /// <value>3</value>
    [Range(0, 100)]
    public int MaxReroutes { get; set; } = 3;

    /// <summary>Interval of health probes of a booting runtime.</summary>
    /// <value>1 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Delay before a failed release or settlement is retried; doubles up to 10 s.</summary>
    /// <value>1 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan DebtRetry { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>Limits and intervals of billing.</summary>
public sealed class BillingOptions
{
    /// <summary>Minimum of balance − accrued − holds for a launch, EUR.</summary>
    /// <value>1.00</value>
    [Range(0.0, 1_000_000.0)]
    public decimal LaunchMinimumEuros { get; set; } = 1m;

    /// <summary>Interval at which running meters are entered in the ledger.</summary>
    /// <value>1 h</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan SettleEvery { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long before the balance runs out the low-balance event is recorded.</summary>
    /// <value>1 h</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan LowBalanceAhead { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The launch minimum as money.</summary>
    public LaunchThreshold Threshold => new(MicroEuro.CeilingFromEuros(LaunchMinimumEuros));
}

/// <summary>Most that an account may have, where the operator has not set a limit for the account.</summary>
public sealed class QuotaOptions
{
    /// <summary>Instances that are not deleted.</summary>
    /// <value>100000</value>
    [Range(0, 1_000_000)]
    public int Instances { get; set; } = 100_000;

    /// <summary>Registered models.</summary>
    /// <value>200</value>
    [Range(0, 1_000_000)]
    public int Models { get; set; } = 200;

    /// <summary>Bytes that the records of registered models take in the store.</summary>
    /// <value>64 MiB</value>
    [Range(0L, 1L << 40)]
    public long ModelBytes { get; set; } = 64L << 20;

    /// <summary>Keys that are not revoked.</summary>
    /// <value>100</value>
    [Range(0, 1_000_000)]
    public int Keys { get; set; } = 100;

    /// <summary>Firewalls; 64 at most in any case.</summary>
    /// <value>64</value>
    [Range(0, 64)]
    public int Firewalls { get; set; } = FirewallSet.MostFirewalls;

    /// <summary>Balancers that are not deleted.</summary>
    /// <value>200</value>
    [Range(0, 1_000_000)]
    public int Balancers { get; set; } = 200;

    /// <summary>Schedules of all its instances.</summary>
    /// <value>1000</value>
    [Range(0, 1_000_000)]
    public int Schedules { get; set; } = 1_000;

    /// <summary>Secrets; 128 at most in any case.</summary>
    /// <value>64</value>
    [Range(0, SecretSet.MostSecrets)]
    public int Secrets { get; set; } = 64;

    /// <summary>Services that are not deleted.</summary>
    /// <value>200</value>
    [Range(0, 1_000_000)]
    public int Services { get; set; } = 200;

    public long Of(Quota quota) =>
        quota switch
        {
            Quota.Instances => Instances,
            Quota.Models => Models,
            Quota.ModelBytes => ModelBytes,
            Quota.Keys => Keys,
            Quota.Firewalls => Firewalls,
            Quota.Balancers => Balancers,
            Quota.Schedules => Schedules,
            Quota.Secrets => Secrets,
            Quota.Services => Services,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>Intervals and limits of provider monitoring.</summary>
public sealed class ProviderCareOptions
{
    /// <summary>Interval of offer listings.</summary>
    /// <value>30 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan RefreshEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Interval at which the provider's allocations are compared with the instances.</summary>
    /// <value>30 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan SweepEvery { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Minimum age of an allocation without an instance before it is released, and how long an allocation may be
    /// missing before its instance fails.
    /// </summary>
    /// <value>60 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan SafetyAge { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Length of the health window.</summary>
    /// <value>15 min</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan HealthWindow { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Consecutive failed attempts that open the breaker.</summary>
    /// <value>5</value>
    [Range(1, 1000)]
    public int BreakerFailures { get; set; } = 5;

    /// <summary>How long the breaker stays open before one attempt is allowed.</summary>
    /// <value>60 s</value>
    [DurationRange("0", "30.00:00:00", MinimumIsExclusive = true)]
    public TimeSpan BreakerOpenFor { get; set; } = TimeSpan.FromSeconds(60);
}

/// <summary>Retention of firewall evaluations; the bound reached first applies.</summary>
public sealed class FirewallOptions
{
    /// <summary>Most evaluations of one account.</summary>
    /// <value>100000</value>
    [Range(100, 10_000_000)]
    public int EvaluationsKept { get; set; } = 100_000;

    /// <summary>Maximum age of an evaluation; up to a day more where no new ones arrive.</summary>
    /// <value>30 days</value>
    [DurationRange("01:00:00", "3650.00:00:00")]
    public TimeSpan EvaluationsKeptFor { get; set; } = TimeSpan.FromDays(30);
}

/// <summary>Retention of answered requests; the bound reached first applies.</summary>
public sealed class RequestOptions
{
    /// <summary>
    /// Most requests of one account. Those without an account (no valid key, or an operator's) count as one account.
    /// </summary>
    /// <value>100000: about 60 MB in SQLite</value>
    [Range(100, 10_000_000)]
    public int KeptPerAccount { get; set; } = 100_000;

    /// <summary>Maximum age.</summary>
    /// <value>7 days</value>
    [DurationRange("00:01:00", "365.00:00:00")]
    public TimeSpan KeptFor { get; set; } = TimeSpan.FromDays(7);
}
