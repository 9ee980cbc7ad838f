using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge;

/// <summary>
/// Writes an error that no handler answered. The middleware uses the instance in the endpoint's metadata, or the
/// registered service if there is none.
/// </summary>
internal interface IErrorShape
{
    /// <summary>Writes the error as the whole response, which has not started.</summary>
    Task WriteAsync(HttpContext http, ApiError error, RequestScope scope);
}
