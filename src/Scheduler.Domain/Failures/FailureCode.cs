namespace Scheduler.Domain.Failures;

/// <summary>
/// Every failure that a caller can see. The numbers are stored and public: never renumbered, never reused. The wire
/// name is the member's name in upper snake case (<c>OOM_KILLED</c>), see <see cref="FailureCodes"/>.
/// <see cref="FailureCatalogue.All"/> states cause and remedy of each code.
/// </summary>
public enum FailureCode
{
    /// <summary>No failure; never stored.</summary>
    None = 0,

    AuthMissingToken = 1,

    AuthInvalidToken = 2,

    AuthRevokedToken = 3,

    BillingBelowMinimum = 10,

    GpuIncompatible = 11,

    SmartNoMatch = 12,

    ProviderTimeout = 13,

    ProviderRejected = 14,

    OomKilled = 20,

    CtxTooLarge = 21,

    /// <summary>A firewall in block mode matched a rule.</summary>
    FirewallBlocked = 22,

    /// <summary>The firewall's judge is not running or did not answer in time.</summary>
    JudgeUnreachable = 23,

    ImagePullFailed = 30,

    ModelLoadError = 31,

    RuntimeStartTimeout = 32,

    /// <summary>The runtime ended or stopped answering.</summary>
    RuntimeExited = 33,

    /// <summary>The provider took spot capacity back.</summary>
    Preempted = 34,

    BalanceExhausted = 35,

    InstanceNotRunning = 40,

    ModelNotFound = 41,

    RateLimited = 42,

    NoHealthyDestination = 43,

    /// <summary>The runtime of a running instance failed to answer a request correctly.</summary>
    RuntimeError = 44,

    /// <summary>The account has as much as its quota permits.</summary>
    QuotaExceeded = 45,

    /// <summary>The hub refuses the model, or its files describe none that can be launched.</summary>
    ModelImportRefused = 46,

    /// <summary>The hub of models did not answer correctly.</summary>
    HubUnreachable = 47,

    /// <summary>No replica of the service could take the request while it was permitted to wait.</summary>
    ServiceNotReady = 48,
}
