using System.Globalization;
using System.Text.Json;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Services;

/// <summary>A request to a service that may not wait for a replica, or not longer: the facts of <c>SERVICE_NOT_READY</c>.</summary>
/// <param name="Why">Not <see cref="HoldEnd.None"/>.</param>
/// <param name="WaitsFor">What requests to the service wait for, in sentences; empty when that is unknown.</param>
/// <param name="Hold">The limits of the service.</param>
/// <param name="Waited">How long the request has waited.</param>
public sealed record ServiceNotReadyFacts(
    string ServingName,
    HoldEnd Why,
    string WaitsFor,
    HoldSettings Hold,
    TimeSpan Waited
) : FailureFacts(FailureCode.ServiceNotReady)
{
    /// <summary>Seconds. A replica boots for minutes, and the next request waits for it in the gateway again.</summary>
    public const int RetrySeconds = 10;

    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"No replica of the service {ServingName} can take the request: {Cause()}{(WaitsFor.Length > 0 ? " " + WaitsFor : "")}",
            Hint(),
            Details(
                ("service", ServingName),
                ("cause", JsonNamingPolicy.SnakeCaseLower.ConvertName(Why.ToString())),
                ("waits_for", WaitsFor),
                ("waited_seconds", (long)Waited.TotalSeconds),
                ("hold_max_requests", Hold.MaxRequests),
                ("hold_max_wait_seconds", (long)Hold.MaxWait.TotalSeconds),
                ("retry_after_seconds", RetrySeconds)
            )
        );

    private string Cause() =>
        Why switch
        {
            HoldEnd.ServiceFull when Hold.MaxRequests == 0 => "the service lets no request wait.",
            HoldEnd.ServiceFull => Text($"{Hold.MaxRequests} requests wait already."),
            HoldEnd.ProcessFull => "this gateway holds as many requests as it may.",
            HoldEnd.MemoryFull => "the requests that wait in this gateway use the memory for them.",
            HoldEnd.TooLate => Text($"it waited {(long)Waited.TotalSeconds} s."),
            HoldEnd.None or _ => throw new System.Diagnostics.UnreachableException(),
        };

    private string Hint() =>
        Why switch
        {
            HoldEnd.ServiceFull => Text(
                $"Try again in {RetrySeconds} s. Raise hold.max_requests of the service, or its min_replicas, to refuse fewer."
            ),
            HoldEnd.ProcessFull => Text(
                $"Try again in {RetrySeconds} s. The operator can raise Inference:MaxHeldRequests, or add gateways."
            ),
            HoldEnd.MemoryFull => Text(
                $"Try again in {RetrySeconds} s, or with a shorter body. The operator can raise Inference:HeldMemoryPercent."
            ),
            HoldEnd.TooLate => Text(
                $"Try again in {RetrySeconds} s. If it lasts, follow what the service waits for; a replica that boots longer needs a larger hold.max_wait."
            ),
            HoldEnd.None or _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Why a request is not held, or not held any longer.</summary>
public enum HoldEnd
{
    None = 0,

    /// <summary>As many requests as the service permits wait in this process.</summary>
    ServiceFull,

    /// <summary>The process holds as many requests as it may, for all services.</summary>
    ProcessFull,

    /// <summary>The requests that wait in this process use the memory for them.</summary>
    MemoryFull,

    /// <summary>It has waited as long as the service permits.</summary>
    TooLate,
}
