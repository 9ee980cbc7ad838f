namespace Scheduler.VendorServers.Shadeform;

/// <summary>
/// Faults that users report of Shadeform, as switches. <c>GET /quirks</c> shows them, <c>POST /quirks</c> with some of them as JSON sets these.
/// </summary>
public sealed class ShadeformQuirks
{
    /// <summary>The types show a machine, and a create request finds none.</summary>
    public bool NoStock { get; set; }

    /// <summary>A create request makes a machine and is answered with 500.</summary>
    public bool ErrorThatMadeAMachine { get; set; }

    /// <summary>A create request makes a machine and is never answered.</summary>
    public bool CreateHangs { get; set; }

    /// <summary>The account has no credit left.</summary>
    public bool NoCredit { get; set; }

    /// <summary>The cloud behind cannot make the machine; its status says so later.</summary>
    public bool MachineFails { get; set; }

    /// <summary>The container's port never answers. Nothing tells why.</summary>
    public bool PortNeverAnswers { get; set; }

    /// <summary>Seconds that a machine waits for the cloud behind, on top of the usual.</summary>
    public double PendingSeconds { get; set; }

    /// <summary>Seconds until a deleted machine leaves the list.</summary>
    public double DeleteSeconds { get; set; }

    /// <summary>Seconds until a new machine is in the list.</summary>
    public double ListLagSeconds { get; set; }

    /// <summary>Number of further calls that are answered with 429.</summary>
    public int TooManyRequests { get; set; }

    /// <summary>Port of the machine on which the runtime is published; 0 for the port that was asked for.</summary>
    public int OtherPort { get; set; }

    /// <summary>Price 0, absurd counts and prices, and a type twice.</summary>
    public bool TypesLie { get; set; }
}
