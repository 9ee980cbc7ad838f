using Microsoft.Extensions.Logging;
using Scheduler.Domain.Requests;

namespace Scheduler.Edge.Requests;

/// <summary>
/// One log line for each request that is kept. Refused ones have a category of their own, so that a host can show only
/// these. The scope of the request adds its id, the caller's id, the key and the account.
/// </summary>
internal sealed partial class RequestLogLines(ILoggerFactory loggers)
{
    /// <summary>Category of requests that were not refused.</summary>
    public const string AnsweredCategory = "Scheduler.Requests.Answered";

    /// <summary>Category of requests that were refused, cancelled, or ended with an error.</summary>
    public const string RefusedCategory = "Scheduler.Requests.Refused";

    private readonly ILogger _answered = loggers.CreateLogger(AnsweredCategory);
    private readonly ILogger _refused = loggers.CreateLogger(RefusedCategory);

    public void Write(AnsweredRequest request)
    {
        var isRefused = request.Code != AnsweredRequest.Ok;
        var logger = isRefused ? _refused : _answered;
        var level = isRefused && request.Status >= 500 ? LogLevel.Warning : LogLevel.Information;
        if (logger.IsEnabled(level))
        {
            LogRequest(
                logger,
                level,
                request.What,
                request.Status,
                request.Code,
                (long)request.Took.TotalMilliseconds,
                request.KeyId ?? "no key",
                request.ServingName ?? request.Resource ?? "-",
                request.Attempts.IsEmpty
                    ? "-"
                    : string.Join(", ", request.Attempts.Select(attempt => $"{attempt.Instance} {attempt.Code}"))
            );
        }
    }

    public void NotStored(Exception exception, int count) => LogNotStored(_answered, exception, count);

    [LoggerMessage(
        EventId = 3203,
        Message = "{What}: {Status} {Code} after {Milliseconds} ms, {Key}, for {Target}, tried {Tried}"
    )]
    private static partial void LogRequest(
        ILogger logger,
        LogLevel level,
        string what,
        int status,
        string code,
        long milliseconds,
        string key,
        string target,
        string tried
    );

    [LoggerMessage(3204, LogLevel.Warning, "Could not store {Count} answered requests; trying again")]
    private static partial void LogNotStored(ILogger logger, Exception exception, int count);
}
