namespace Scheduler.VendorServers.Lambda;

/// <summary>
/// Faults that users report of Lambda, as switches. <c>GET /quirks</c> shows them, <c>POST /quirks</c> with some of them as JSON sets these.
/// </summary>
public sealed class LambdaQuirks
{
    /// <summary>The list shows capacity, and a launch request finds none.</summary>
    public bool ListedButNoCapacity { get; set; }

    /// <summary>The region of a launch request has gone since the list.</summary>
    public bool RegionGone { get; set; }

    public bool QuotaExceeded { get; set; }

    public bool AccountInactive { get; set; }

    /// <summary>A launch request makes a machine and is answered with an unknown error.</summary>
    public bool ErrorThatMadeAMachine { get; set; }

    /// <summary>A launch request makes a machine and is never answered.</summary>
    public bool LaunchHangs { get; set; }

    /// <summary>A launch request is answered with an unknown error and makes nothing.</summary>
    public bool LaunchFails { get; set; }

    /// <summary>Seconds from a terminate request until the machine is terminated.</summary>
    public double TerminateSeconds { get; set; }

    /// <summary>Seconds until a new machine is in the list.</summary>
    public double ListLagSeconds { get; set; }

    /// <summary>The edge bans the caller: every call is answered with 403 and a page.</summary>
    public bool Banned { get; set; }

    /// <summary>The driver of every machine is broken: it is active, and its runtime never answers.</summary>
    public bool PortNeverAnswers { get; set; }

    /// <summary>Lambda takes all machines back.</summary>
    public bool Preempts { get; set; }

    /// <summary>Price 0, absurd counts, an unreadable entry, in the list of types.</summary>
    public bool TypesLie { get; set; }
}
