namespace Scheduler.VendorServers.Vast;

/// <summary>
/// Faults that users report of Vast, as switches. <c>GET /quirks</c> shows them, <c>POST /quirks</c> with some of them as JSON sets these.
/// </summary>
public sealed class VastQuirks
{
    /// <summary>The search shows an ask, and a create request finds it gone. The error reads <c>invalid_args</c>.</summary>
    public bool AskIsGone { get; set; }

    /// <summary>A create request is refused for its bid, and makes a stopped instance all the same.</summary>
    public bool RefusalThatMadeAnInstance { get; set; }

    /// <summary>A create request makes an instance and is answered with 500.</summary>
    public bool ErrorThatMadeAnInstance { get; set; }

    /// <summary>A create request makes an instance and is never answered.</summary>
    public bool CreateHangs { get; set; }

    /// <summary>The prepaid account has no credit left.</summary>
    public bool NoCredit { get; set; }

    /// <summary>Every instance is outbid while it loads.</summary>
    public bool OutbidWhileLoading { get; set; }

    /// <summary>Containers cannot be created; only the message of the status tells.</summary>
    public bool ContainerFails { get; set; }

    /// <summary>The host has lost contact.</summary>
    public bool IsOffline { get; set; }

    /// <summary>The host is leased, and its port never answers.</summary>
    public bool PortNeverAnswers { get; set; }

    /// <summary>Images are not found. Only the daemon's log tells.</summary>
    public bool ImagePullFails { get; set; }

    /// <summary>Seconds until a destroyed instance leaves the list.</summary>
    public double DestroySeconds { get; set; }

    /// <summary>Seconds until a new instance is in the list.</summary>
    public double ListLagSeconds { get; set; }

    /// <summary>Number of further calls that are answered with a 429 of plain text, without <c>Retry-After</c>.</summary>
    public int TooManyRequests { get; set; }

    /// <summary>Whether calls that come earlier than documented are answered with 429.</summary>
    public bool MeasuresSpacing { get; set; }

    /// <summary>Price 0, absurd counts and prices, and an ask twice, in the search.</summary>
    public bool SearchLies { get; set; }
}
