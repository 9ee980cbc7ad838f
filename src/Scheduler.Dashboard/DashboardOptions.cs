using System.ComponentModel.DataAnnotations;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Dashboard;

/// <summary>Settings of the operator's window; configuration section <c>Dashboard</c>. Limits are of one process.</summary>
public sealed class DashboardOptions
{
    /// <summary>Where the settings lie.</summary>
    public const string Section = "Dashboard";

    /// <summary>Whether there is a dashboard at all.</summary>
    /// <value>true</value>
    public bool Enabled { get; set; } = true;

    /// <summary>
    /// Whether Orleans' own dashboard is there for operators, at <c>/dashboard/orleans/</c>. Silos and doors of a cluster must agree. It
    /// measures grain calls only while somebody looks at it, and for a minute after.
    /// </summary>
    /// <value>true</value>
    public bool Orleans { get; set; } = true;

    /// <summary>How long a session lasts after it was last used, 1 minute to 30 days. A revoked key ends its sessions within a second.</summary>
    /// <value>12 h: a shift.</value>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(12);

    /// <summary>
    /// Folder with the keys that sessions are sealed with; null takes <c>dashboard-keys</c> beside the operator's key. Doors that stand
    /// behind one balancer must share it.
    /// </summary>
    public string? KeysPath { get; set; }

    /// <summary>Pages of one account's sessions being made at once; 0 is no limit.</summary>
    /// <value>32</value>
    [Range(0, 100_000)]
    public int MaxRequestsPerKey { get; set; } = 32;

    /// <summary>Windows of one key that are kept up to date, 1 to 10,000.</summary>
    /// <value>64</value>
    [Range(1, 10_000)]
    public int MaxWindowsPerKey { get; set; } = 64;

    /// <summary>Pages being made at once in this process, 16 to 100,000.</summary>
    /// <value>256</value>
    [Range(16, 100_000)]
    public int MaxRequests { get; set; } = 256;

    /// <summary>Windows that are kept up to date by this process, 1 to 1,000,000.</summary>
    /// <value>2,000</value>
    [Range(1, 1_000_000)]
    public int MaxWindows { get; set; } = 2000;

    /// <summary>Tries to sign in a second from one address (IPv6: from one /64) in the long run; 0 is no limit.</summary>
    /// <value>2</value>
    [Range(0, 100_000)]
    public int UnknownPerSecondPerAddress { get; set; } = 2;

    /// <summary>Tries to sign in at once from one address, 1 to 1,000,000.</summary>
    /// <value>40: an office behind one address.</value>
    [Range(1, 1_000_000)]
    public int UnknownBurstPerAddress { get; set; } = 40;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults() => RangeFaults.Of(Section, this);

    /// <summary>What the door counts by.</summary>
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
