using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;
using Scheduler.Edge.Limits;

namespace Scheduler.Dashboard;

/// <summary>Settings of the dashboard; configuration section <c>Dashboard</c>. Limits apply to one process.</summary>
public sealed class DashboardOptions
{
    public const string Section = "Dashboard";

    /// <value>true</value>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Whether operators get Orleans' own dashboard at <c>/dashboard/orleans/</c>. All processes of a cluster must use
    /// the same value. It measures grain calls only while someone has it open, and for a minute after.
    /// </summary>
    /// <value>true</value>
    public bool Orleans { get; set; } = true;

    /// <summary>
    /// Lifetime of a session after its last use, 1 minute to 30 days. A revoked key ends its sessions within a second.
    /// </summary>
    /// <value>12 h: one working shift.</value>
    [DurationRange("00:01:00", "30.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>
    /// Longest time from a sign-in to the end of its session, however much it is used, 1 minute to 30 days.
    /// </summary>
    /// <value>24 h: a copied cookie is worth nothing the next day.</value>
    [DurationRange("00:01:00", "30.00:00:00")]
    public TimeSpan SessionLimit { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Folder of the keys that encrypt sessions; null means <c>dashboard-keys</c> beside the operator's key. API
    /// processes behind one load balancer must share it.
    /// </summary>
    public string? KeysPath { get; set; }

    /// <summary>Concurrent page requests of one account's sessions; 0 means no limit.</summary>
    /// <value>32</value>
    [Range(0, 100_000)]
    public int MaxRequestsPerKey { get; set; } = 32;

    /// <summary>Live-update streams per key, 1 to 10,000.</summary>
    /// <value>64</value>
    [Range(1, 10_000)]
    public int MaxWindowsPerKey { get; set; } = 64;

    /// <summary>Concurrent page requests of this process, 16 to 100,000.</summary>
    /// <value>256</value>
    [Range(16, 100_000)]
    public int MaxRequests { get; set; } = 256;

    /// <summary>Live-update streams of this process, 1 to 1,000,000.</summary>
    /// <value>2,000</value>
    [Range(1, 1_000_000)]
    public int MaxWindows { get; set; } = 2000;

    /// <summary>
    /// Sustained rate of sign-in attempts per second from one address (IPv6: from one /64); 0 means no limit.
    /// </summary>
    /// <value>2</value>
    [Range(0, 100_000)]
    public int UnknownPerSecondPerAddress { get; set; } = 2;

    /// <summary>Burst of sign-in attempts from one address, 1 to 1,000,000.</summary>
    /// <value>40: an office behind one address.</value>
    [Range(1, 1_000_000)]
    public int UnknownBurstPerAddress { get; set; } = 40;

    internal LimitSettings Limits() =>
        new()
        {
            Account = new KeyLimits.Limits(new Rate(0, 1), MaxRequestsPerKey, MaxWindowsPerKey),
            Operator = new KeyLimits.Limits(new Rate(0, 1), 0, MaxWindowsPerKey),
            Unknown = new Rate(UnknownPerSecondPerAddress, UnknownBurstPerAddress),
            Requests = MaxRequests,
            Queued = MaxRequests,
            QueueWait = TimeSpan.FromSeconds(2),
            Streams = MaxWindows,
        };
}
