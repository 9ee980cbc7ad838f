namespace Scheduler.Domain.Failures;

/// <summary>
/// Every way to fail that a caller can see. The numbers are stored and public: never renumbered, never reused.
/// The wire name is the member's name in upper snake case (<c>OOM_KILLED</c>), see <see cref="FailureCodes"/>.
/// </summary>
public enum FailureCode
{
    /// <summary>No failure; never stored.</summary>
    None = 0,

    /// <summary>No Authorization header.</summary>
    AuthMissingToken = 1,

    /// <summary>The token matches no key.</summary>
    AuthInvalidToken = 2,

    /// <summary>The key was revoked.</summary>
    AuthRevokedToken = 3,

    /// <summary>Not enough money to launch.</summary>
    BillingBelowMinimum = 10,

    /// <summary>The model cannot fit the GPU.</summary>
    GpuIncompatible = 11,

    /// <summary>No offer satisfies the constraints.</summary>
    SmartNoMatch = 12,

    /// <summary>The provider did not allocate capacity before the deadline.</summary>
    ProviderTimeout = 13,

    /// <summary>The provider refused.</summary>
    ProviderRejected = 14,

    /// <summary>The runtime ran out of VRAM.</summary>
    OomKilled = 20,

    /// <summary>Prompt and requested output exceed the configured context.</summary>
    CtxTooLarge = 21,

    /// <summary>A firewall in block mode matched.</summary>
    FirewallBlocked = 22,

    /// <summary>The judge is not running or did not answer in time.</summary>
    JudgeUnreachable = 23,

    /// <summary>The runtime's image could not be pulled.</summary>
    ImagePullFailed = 30,

    /// <summary>The runtime could not load the model.</summary>
    ModelLoadError = 31,

    /// <summary>The runtime was not healthy before the deadline.</summary>
    RuntimeStartTimeout = 32,

    /// <summary>The runtime went away.</summary>
    RuntimeExited = 33,

    /// <summary>Spot capacity was taken back.</summary>
    Preempted = 34,

    /// <summary>Money ran out while running.</summary>
    BalanceExhausted = 35,

    /// <summary>The instance asked for is not running.</summary>
    InstanceNotRunning = 40,

    /// <summary>No such serving name or model.</summary>
    ModelNotFound = 41,

    /// <summary>Too many requests.</summary>
    RateLimited = 42,

    /// <summary>No destination of the balancer is healthy.</summary>
    NoHealthyDestination = 43,

    /// <summary>A running instance's runtime did not answer a request as it should.</summary>
    RuntimeError = 44,
}
