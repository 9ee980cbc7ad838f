using System.Collections.Immutable;
using System.Globalization;
using Grpc.Core;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Grains;

namespace Scheduler.Edge;

/// <summary>An error response, with the same content on both transports.</summary>
/// <param name="HttpStatus">From the failure catalogue, if the reason is in it.</param>
/// <param name="Reason">Stable, upper snake case: a catalogue code, or one of <see cref="ApiErrorCodes"/>.</param>
internal sealed record ApiError(StatusCode Code, int HttpStatus, string Reason, string Message)
{
    /// <summary>One instruction; null if there is none.</summary>
    public string? Hint { get; init; }

    public ImmutableSortedDictionary<string, string> Details { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public ImmutableArray<FieldFault> Faults { get; init; } = [];

    /// <summary>Time after which the same request may succeed; null if a retry does not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether <c>/v1/failures/{reason}</c> explains it.</summary>
    public bool IsCatalogued { get; init; }

    public static ApiError Of(Failure failure)
    {
        var definition = FailureCatalogue.Definition(failure.Code);
        return new ApiError(
            CodeOf(definition.GrpcStatus),
            definition.HttpStatus,
            failure.Code.WireName(),
            failure.Message
        )
        {
            Hint = failure.Hint,
            Details = failure.Details,
            IsCatalogued = true,
            RetryAfter = definition.Retry switch
            {
                // Waiting helps only where a destination comes back by itself; then the details say when.
                FailureRetry.Yes
                    when failure.Code == FailureCode.NoHealthyDestination
                        && !failure.Details.ContainsKey("retry_after_seconds") => null,
                FailureRetry.Yes => RetryTime(failure),
                FailureRetry.LaterOrAfterChange => TimeSpan.FromMinutes(1),
                FailureRetry.No or FailureRetry.AfterTopUp or FailureRetry.AfterChange => null,
                _ => throw new System.Diagnostics.UnreachableException(),
            },
        };
    }

    /// <param name="resource">
    /// The resource as the caller named it. The error is the same for a missing resource and one of another account
    /// (INV-08).
    /// </param>
    public static ApiError Of(Refusal refusal, string resource) =>
        refusal.Kind switch
        {
            RefusalKind.NotFound => NotFound(resource),
            RefusalKind.AlreadyExists => new(
                StatusCode.AlreadyExists,
                409,
                ApiErrorCodes.AlreadyExists,
                refusal.Message
            ),
            RefusalKind.Invalid => Invalid(refusal.Faults),
            RefusalKind.WrongState => new(StatusCode.FailedPrecondition, 409, ApiErrorCodes.WrongState, refusal.Message)
            {
                Hint = refusal.Allowed.IsEmpty ? null : $"Allowed now: {string.Join(", ", refusal.Allowed)}.",
                Details = ImmutableSortedDictionary<string, string>
                    .Empty.Add("state", refusal.State ?? "")
                    .Add("allowed", string.Join(',', refusal.Allowed)),
            },
            RefusalKind.Failed when refusal.Failure is { } failure => Of(failure),
            RefusalKind.Failed => throw new InvalidOperationException("A failed refusal without its failure."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    public static ApiError Invalid(ImmutableArray<FieldFault> faults) =>
        new(
            StatusCode.InvalidArgument,
            400,
            ApiErrorCodes.InvalidRequest,
            faults.Length == 1
                ? $"The field {faults[0].Field} is invalid: {faults[0].Description}"
                : string.Create(CultureInfo.InvariantCulture, $"{faults.Length} fields are invalid.")
        )
        {
            Faults = faults,
            Hint = "Correct every field in field_violations.",
        };

    public static ApiError MalformedMessage() =>
        new(
            StatusCode.InvalidArgument,
            400,
            ApiErrorCodes.InvalidRequest,
            "The body is not one gRPC frame with a valid message of the method."
        )
        {
            Hint = "Send it with a gRPC client made from the proto files of this version.",
        };

    public static ApiError HostNotAllowed() =>
        new(
            StatusCode.InvalidArgument,
            400,
            ApiErrorCodes.InvalidRequest,
            "The request names a host that this scheduler does not serve."
        )
        {
            Hint = "Use a name that the operator allows in Api:AllowedHosts.",
        };

    /// <param name="slug">The firewall that the request itself names.</param>
    public static ApiError UnknownFirewall(string slug) =>
        new(
            StatusCode.NotFound,
            404,
            ApiErrorCodes.FirewallNotFound,
            $"The account has no firewall '{slug}'; the request reached no model."
        )
        {
            Hint = "Create the firewall, correct its name, or leave the member out.",
        };

    public static ApiError NotFound(string what) =>
        new(StatusCode.NotFound, 404, ApiErrorCodes.NotFound, $"{what} not found.");

    public static ApiError OperatorsOnly() =>
        new(StatusCode.PermissionDenied, 403, ApiErrorCodes.PermissionDenied, "The method is for operator keys.")
        {
            Hint = "Use an operator key.",
        };

    public static ApiError ViewersKey(string keyId) =>
        new(
            StatusCode.PermissionDenied,
            403,
            ApiErrorCodes.PermissionDenied,
            $"The key {keyId} is a viewer's: it can read, but not change or spend anything."
        )
        {
            Hint = "Use a full key of the same account, or an operator's full key.",
            Details = ImmutableSortedDictionary<string, string>.Empty.Add("key_id", keyId),
        };

    public static ApiError BodyTooLarge(long limit) =>
        new(
            StatusCode.ResourceExhausted,
            413,
            ApiErrorCodes.BodyTooLarge,
            string.Create(CultureInfo.InvariantCulture, $"The body is longer than {limit} bytes.")
        )
        {
            Details = ImmutableSortedDictionary<string, string>.Empty.Add(
                "limit_bytes",
                limit.ToString(CultureInfo.InvariantCulture)
            ),
        };

    public static ApiError Unavailable() =>
        new(StatusCode.Unavailable, 503, ApiErrorCodes.Unavailable, "The scheduler did not answer in time.")
        {
            Hint = "Whether it was done is unknown: repeat it with the same request_id.",
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    public static ApiError StoreFull() =>
        new(
            StatusCode.Unavailable,
            503,
            ApiErrorCodes.Unavailable,
            "The scheduler's store is full; the request was not carried out."
        )
        {
            Hint = "The operator must free disk space for the store; then repeat the request as it is.",
            RetryAfter = TimeSpan.FromSeconds(30),
        };

    public static ApiError StoreFailed() =>
        new(
            StatusCode.Unavailable,
            503,
            ApiErrorCodes.Unavailable,
            "The scheduler's store failed; the request was not carried out."
        )
        {
            Hint = "The operator finds the cause in the log under the request id; then repeat the request as it is.",
            RetryAfter = TimeSpan.FromSeconds(30),
        };

    /// <param name="why">Names master keys and what was encrypted, and contains no secret.</param>
    public static ApiError SecretUnreadable(string why) =>
        new(StatusCode.Unavailable, 503, ApiErrorCodes.Unavailable, $"The scheduler cannot read a secret: {why}")
        {
            Hint = "The operator must configure the master key that encrypted it; then repeat the request as it is.",
            RetryAfter = TimeSpan.FromSeconds(30),
        };

    public static ApiError StoreUnclear() =>
        new(
            StatusCode.Unavailable,
            503,
            ApiErrorCodes.Unavailable,
            "The scheduler's store failed; whether the request was carried out is unknown."
        )
        {
            Hint = "Repeat it with the same request_id or reference: a completed operation is not repeated.",
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    public static ApiError DeadlineExceeded() =>
        new(StatusCode.DeadlineExceeded, 504, ApiErrorCodes.DeadlineExceeded, "The call's deadline passed.")
        {
            Hint = "Whether it was done is unknown: repeat it with the same request_id and a later deadline.",
            RetryAfter = TimeSpan.FromSeconds(1),
        };

    public static ApiError Cancelled() =>
        new(StatusCode.Cancelled, 499, ApiErrorCodes.Cancelled, "The caller ended the call.");

    public static ApiError Internal() =>
        new(
            StatusCode.Internal,
            500,
            ApiErrorCodes.Internal,
            "The scheduler failed; this is a bug or a fault of its store."
        )
        {
            Hint = "Report the request id; the log has the cause under it.",
        };

    public static ApiError OfHttpStatus(int status, string path) =>
        status switch
        {
            404 => new(StatusCode.NotFound, 404, ApiErrorCodes.NotFound, $"Nothing is served at {path}."),
            405 => new(
                StatusCode.Unimplemented,
                405,
                ApiErrorCodes.MethodNotAllowed,
                $"{path} does not take this method."
            )
            {
                Hint = "See the Allow header, and /openapi/v1.json.",
            },
            413 => new(StatusCode.ResourceExhausted, 413, ApiErrorCodes.BodyTooLarge, "The body is too long."),
            415 => new(
                StatusCode.InvalidArgument,
                415,
                ApiErrorCodes.UnsupportedMediaType,
                "The body must be application/json, UTF-8, not compressed."
            ),
            401 => Of(FailureCatalogue.Describe(new MissingTokenFacts())),
            403 => new(StatusCode.PermissionDenied, 403, ApiErrorCodes.PermissionDenied, "Not allowed."),
            429 => new(StatusCode.ResourceExhausted, 429, ApiErrorCodes.TooManyRequests, "Too many requests.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            },
            503 => Unavailable(),
            >= 400 and < 500 => new(
                StatusCode.InvalidArgument,
                status,
                ApiErrorCodes.InvalidRequest,
                "The request is malformed."
            ),
            _ => Internal() with { HttpStatus = status },
        };

    private static TimeSpan RetryTime(Failure failure) =>
        failure.Details.TryGetValue("retry_after_seconds", out var text)
        && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(1);

    private static StatusCode CodeOf(string grpcStatus) =>
        Enum.TryParse<StatusCode>(grpcStatus.Replace("_", "", StringComparison.Ordinal), true, out var code)
            ? code
            : throw new InvalidOperationException($"The catalogue names no gRPC status: {grpcStatus}.");
}

/// <summary>Reasons that are not in the failure catalogue: errors of a request, not of a launch or a runtime.</summary>
internal static class ApiErrorCodes
{
    public const string AlreadyExists = "ALREADY_EXISTS";
    public const string BodyTooLarge = "BODY_TOO_LARGE";
    public const string Cancelled = "CANCELLED";
    public const string DeadlineExceeded = "DEADLINE_EXCEEDED";
    public const string FirewallNotFound = "FIREWALL_NOT_FOUND";
    public const string Internal = "INTERNAL";
    public const string InvalidRequest = "INVALID_REQUEST";
    public const string MethodNotAllowed = "METHOD_NOT_ALLOWED";
    public const string NotFound = "NOT_FOUND";
    public const string PermissionDenied = "PERMISSION_DENIED";
    public const string TooManyRequests = "TOO_MANY_REQUESTS";
    public const string Unavailable = "UNAVAILABLE";
    public const string UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";
    public const string WrongState = "WRONG_STATE";
}

/// <summary>
/// Carries a <see cref="ApiError"/> to the middleware or interceptor that writes it as the response. Never logged as
/// an error.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage(
    "Design",
    "CA1064",
    Justification = "It never leaves the process: it is turned into a response."
)]
internal sealed class ApiException(ApiError error) : Exception(error.Message)
{
    public ApiError Error { get; } = error;
}

/// <summary>Converts a grain's answer to its value or an error.</summary>
internal static class AnswerExtensions
{
    /// <param name="resource">The resource as the caller named it.</param>
    /// <exception cref="ApiException">The answer is a refusal.</exception>
    public static T OrThrow<T>(this Answer<T> answer, string resource)
        where T : class => answer.IsOk ? answer.Value : throw new ApiException(ApiError.Of(answer.Refusal, resource));

    /// <summary>The wait ends with the caller's deadline.</summary>
    /// <param name="resource">The resource as the caller named it.</param>
    /// <exception cref="ApiException">The answer is a refusal.</exception>
    public static async Task<T> OrThrow<T>(
        this Task<Answer<T>> asked,
        string resource,
        CancellationToken cancellationToken
    )
        where T : class => (await asked.WaitAsync(cancellationToken)).OrThrow(resource);
}
