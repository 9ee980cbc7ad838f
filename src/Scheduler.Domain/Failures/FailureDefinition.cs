namespace Scheduler.Domain.Failures;

/// <summary>What is always true of a code, whatever the case: where it belongs and how the doors carry it.</summary>
/// <param name="Code">The code.</param>
/// <param name="Category">The bucket of the troubleshooting page.</param>
/// <param name="HttpStatus">Status of a direct HTTP answer.</param>
/// <param name="GrpcStatus">Canonical gRPC status name, for example <c>FAILED_PRECONDITION</c>.</param>
/// <param name="Retry">Whether trying again helps.</param>
/// <param name="Cause">One sentence: when it is raised.</param>
/// <param name="Remedy">One sentence: what to do; each single failure carries its own computed hint.</param>
public sealed record FailureDefinition(
    FailureCode Code,
    FailureCategory Category,
    int HttpStatus,
    string GrpcStatus,
    FailureRetry Retry,
    string Cause,
    string Remedy
);

/// <summary>The buckets of the troubleshooting page.</summary>
public enum FailureCategory
{
    /// <summary>The key.</summary>
    Auth = 1,

    /// <summary>Getting from start to running.</summary>
    Launch = 2,

    /// <summary>While running, and requests to what runs.</summary>
    Runtime = 3,
}

/// <summary>Whether trying again helps.</summary>
public enum FailureRetry
{
    /// <summary>Not without another request.</summary>
    No = 1,

    /// <summary>The same request may succeed now or later; where a route failed, another is taken.</summary>
    Yes = 2,

    /// <summary>After the account was topped up.</summary>
    AfterTopUp = 3,

    /// <summary>After the request or instance was changed as the hint says.</summary>
    AfterChange = 4,

    /// <summary>Later as it is, or at once after a change.</summary>
    LaterOrAfterChange = 5,
}
