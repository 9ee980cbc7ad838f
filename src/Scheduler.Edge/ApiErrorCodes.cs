namespace Scheduler.Edge;

/// <summary>Reasons that are not in the failure catalogue: errors of a request, not of a launch or a runtime.</summary>
internal static class ApiErrorCodes
{
    public const string AlreadyExists = "ALREADY_EXISTS";
    public const string BodyTooLarge = "BODY_TOO_LARGE";
    public const string Cancelled = "CANCELLED";
    public const string DeadlineExceeded = "DEADLINE_EXCEEDED";
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
