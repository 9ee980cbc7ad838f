using System.Collections.Frozen;
using System.Collections.Immutable;
using static Scheduler.Domain.Failures.FailureCategory;
using static Scheduler.Domain.Failures.FailureCode;
using static Scheduler.Domain.Failures.FailureRetry;

namespace Scheduler.Domain.Failures;

/// <summary>
/// Maps a failure code to its category, statuses, retry rule and hint. It is the only source of <see cref="Failure"/>:
/// <see cref="Describe"/> turns the <see cref="FailureFacts"/> of a slice into message, hint and details.
/// </summary>
public static class FailureCatalogue
{
    /// <summary>All codes, in the order of the troubleshooting page.</summary>
    public static readonly ImmutableArray<FailureDefinition> All =
    [
        new(
            AuthMissingToken,
            Auth,
            401,
            "UNAUTHENTICATED",
            No,
            "The Authorization header is missing.",
            "Add `Authorization: Bearer <key>` to the request."
        ),
        new(
            AuthInvalidToken,
            Auth,
            401,
            "UNAUTHENTICATED",
            No,
            "The token matches no key.",
            "Compare prefix and secret with your secret manager; copy the value again."
        ),
        new(
            AuthRevokedToken,
            Auth,
            401,
            "UNAUTHENTICATED",
            No,
            "The key was revoked.",
            "Create a new key and roll it out to all clients."
        ),
        new(
            BillingBelowMinimum,
            Launch,
            402,
            "FAILED_PRECONDITION",
            AfterTopUp,
            "Balance less holds is below what the launch needs.",
            "Top up by the amount the hint names, or launch the cheaper offer it names."
        ),
        new(
            GpuIncompatible,
            Launch,
            422,
            "FAILED_PRECONDITION",
            AfterChange,
            "The model needs more VRAM than the selected GPUs have.",
            "Take the GPU, context or weight format the hint names."
        ),
        new(
            SmartNoMatch,
            Launch,
            422,
            "FAILED_PRECONDITION",
            LaterOrAfterChange,
            "No offer satisfies the constraints.",
            "Loosen the constraints the hint names to the values it names."
        ),
        new(
            ProviderTimeout,
            Launch,
            504,
            "DEADLINE_EXCEEDED",
            Yes,
            "The provider did not allocate capacity before the deadline.",
            "Stop the instance and start it again; the route that timed out ranks last while it cools down."
        ),
        new(
            ProviderRejected,
            Launch,
            502,
            "UNAVAILABLE",
            Yes,
            "The provider refused the allocation.",
            "Start again for another route, or change what the provider's message names."
        ),
        new(
            ImagePullFailed,
            Launch,
            502,
            "UNAVAILABLE",
            AfterChange,
            "The runtime's image could not be pulled.",
            "Correct the image name or the registry credentials of the preset, then start again."
        ),
        new(
            ModelLoadError,
            Launch,
            502,
            "UNAVAILABLE",
            AfterChange,
            "The runtime could not load the model.",
            "Correct the model source or the format the output names, then start again."
        ),
        new(
            RuntimeStartTimeout,
            Launch,
            502,
            "UNAVAILABLE",
            Yes,
            "The runtime was not healthy before the start deadline.",
            "Start again, or raise the start timeout to the value the hint names."
        ),
        new(
            OomKilled,
            Runtime,
            502,
            "RESOURCE_EXHAUSTED",
            AfterChange,
            "The runtime exceeded the GPU's memory.",
            "Reduce the context, or choose another GPU, as the hint says."
        ),
        new(
            RuntimeExited,
            Runtime,
            502,
            "UNAVAILABLE",
            Yes,
            "The runtime ended or stopped answering.",
            "Read the output tail in the details, then start again."
        ),
        new(
            Preempted,
            Runtime,
            503,
            "ABORTED",
            Yes,
            "Spot capacity was taken back by the provider.",
            "Start again for another route, or disallow spot capacity."
        ),
        new(
            BalanceExhausted,
            Runtime,
            402,
            "FAILED_PRECONDITION",
            AfterTopUp,
            "The balance ran out while the instance was running.",
            "Top up by the amount the hint names and start again."
        ),
        new(
            CtxTooLarge,
            Runtime,
            413,
            "OUT_OF_RANGE",
            AfterChange,
            "Prompt and requested output exceed the configured context.",
            "Shorten the prompt, ask for less output, or raise the instance's context."
        ),
        new(
            FirewallBlocked,
            Runtime,
            403,
            "PERMISSION_DENIED",
            No,
            "A firewall in block mode matched a rule.",
            "See the matched rule slugs in the details."
        ),
        new(
            JudgeUnreachable,
            Runtime,
            503,
            "UNAVAILABLE",
            AfterChange,
            "The firewall's judge is not running or did not answer in time.",
            "Start the judge or set the firewall to audit mode."
        ),
        new(
            InstanceNotRunning,
            Runtime,
            409,
            "FAILED_PRECONDITION",
            AfterChange,
            "The instance asked for is not running.",
            "Start the instance."
        ),
        new(
            ModelNotFound,
            Runtime,
            404,
            "NOT_FOUND",
            No,
            "No model or serving name of this account has that name.",
            "List the models and use one of their names."
        ),
        new(
            RateLimited,
            Runtime,
            429,
            "RESOURCE_EXHAUSTED",
            Yes,
            "Too many requests.",
            "Try again after the time the answer names."
        ),
        new(
            QuotaExceeded,
            Runtime,
            403,
            "RESOURCE_EXHAUSTED",
            AfterChange,
            "The account has as much as its quota permits.",
            "Delete what is not needed, or ask the operator to raise the quota the details name."
        ),
        new(
            ModelImportRefused,
            Runtime,
            400,
            "FAILED_PRECONDITION",
            AfterChange,
            "The hub refuses the model, or its files describe none that can be launched.",
            "Do what the hint says for the cause in the details, and import again."
        ),
        new(
            HubUnreachable,
            Runtime,
            503,
            "UNAVAILABLE",
            Yes,
            "The hub of models did not answer correctly.",
            "Try again later, or register the model's files."
        ),
        new(
            NoHealthyDestination,
            Runtime,
            503,
            "UNAVAILABLE",
            Yes,
            "No destination of the balancer is healthy.",
            "Start or repair one of the destinations the details name."
        ),
        new(
            ServiceNotReady,
            Runtime,
            503,
            "UNAVAILABLE",
            Yes,
            "No replica of the service could take the request in time.",
            "Try again after the time the answer names; the details say what the service waits for."
        ),
        new(
            RuntimeError,
            Runtime,
            502,
            "UNAVAILABLE",
            Yes,
            "The runtime could not be reached, broke off, took too long or answered with an error of its own.",
            "Try again; if it continues, read the instance's state and the runtime's message in the details."
        ),
    ];

    private static readonly FrozenDictionary<FailureCode, FailureDefinition> ByCode = All.ToFrozenDictionary(d =>
        d.Code
    );

    /// <exception cref="KeyNotFoundException">The code is <see cref="None"/>.</exception>
    public static FailureDefinition Definition(FailureCode code) => ByCode[code];

    public static Failure Describe(FailureFacts facts)
    {
        var (message, hint, details) = facts.Describe();
        return new Failure
        {
            Code = facts.Code,
            Message = message,
            Hint = hint,
            Details = details,
        };
    }
}
