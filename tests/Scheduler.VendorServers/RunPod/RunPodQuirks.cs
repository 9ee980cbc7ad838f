namespace Scheduler.VendorServers.RunPod;

/// <summary>
/// Faults that users report of RunPod, as switches. <c>GET /quirks</c> shows them, <c>POST /quirks</c> with some of them as JSON sets these.
/// </summary>
public sealed class RunPodQuirks
{
    /// <summary>The catalogue shows stock, and a create request finds none.</summary>
    public bool StockButNoCapacity { get; set; }

    /// <summary>A create request makes a pod and is answered with 500.</summary>
    public bool ErrorThatMadeAPod { get; set; }

    /// <summary>A create request makes a pod and is never answered.</summary>
    public bool CreateHangs { get; set; }

    /// <summary>A create request is answered with 500 and makes nothing.</summary>
    public bool CreateFails { get; set; }

    /// <summary>Seconds until a deleted pod leaves the list.</summary>
    public double DeleteSeconds { get; set; }

    /// <summary>Seconds until a new pod is in the list.</summary>
    public double ListLagSeconds { get; set; }

    /// <summary>Number of further calls that are answered with 429 without <c>Retry-After</c> and quota.</summary>
    public int BareTooManyRequests { get; set; }

    /// <summary>The same, of create requests only.</summary>
    public int BareTooManyCreates { get; set; }

    /// <summary>The runtimes' ports answer nothing but errors of the proxy.</summary>
    public bool PortNeverAnswers { get; set; }

    /// <summary>Images are not found. Only the system log tells, and the pods stay in STARTING.</summary>
    public bool ImagePullFails { get; set; }

    /// <summary>A pod gets one GPU, whatever was asked for.</summary>
    public bool GivesOneGpu { get; set; }

    /// <summary>A pod costs this many times the listed price.</summary>
    public double CostFactor { get; set; } = 1;

    /// <summary>The account has no credit left.</summary>
    public bool NoCredit { get; set; }

    /// <summary>The account may not use the pool.</summary>
    public bool PoolBarred { get; set; }

    /// <summary>Price 0, absurd counts and prices, and a GPU twice, in the catalogue.</summary>
    public bool CatalogueLies { get; set; }
}
