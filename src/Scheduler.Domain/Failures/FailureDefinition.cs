namespace Scheduler.Domain.Failures;

/// <summary>Properties of a code that hold for all its failures: category, statuses, retry rule.</summary>
/// <param name="GrpcStatus">Canonical gRPC status name, for example <c>FAILED_PRECONDITION</c>.</param>
/// <param name="Cause">One sentence: when the failure occurs.</param>
/// <param name="Remedy">One sentence: what to do. Each single failure also has its own computed hint.</param>
public sealed record FailureDefinition(
    FailureCode Code,
    FailureCategory Category,
    int HttpStatus,
    string GrpcStatus,
    FailureRetry Retry,
    string Cause,
    string Remedy
);

/// <summary>Sections of the troubleshooting page.</summary>
public enum FailureCategory
{
    Auth = 1,

    /// <summary>From the start request to a running instance.</summary>
    Launch = 2,

    /// <summary>Running instances and requests to them.</summary>
    Runtime = 3,
}

/// <summary>Whether a retry helps.</summary>
public enum FailureRetry
{
    /// <summary>A retry of the same request does not help.</summary>
    No = 1,

    /// <summary>The same request may succeed now or later; a start takes another route after a failed one.</summary>
    Yes = 2,

    AfterTopUp = 3,

    /// <summary>After the change of request or instance that the hint states.</summary>
    AfterChange = 4,

    /// <summary>Later without a change, or at once after a change.</summary>
    LaterOrAfterChange = 5,
}
