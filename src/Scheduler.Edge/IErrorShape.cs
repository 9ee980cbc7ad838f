using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge;

/// <summary>
/// How a door writes an error that no handler of its own answered. The one in an endpoint's metadata is taken, or the process's own where
/// there is no endpoint.
/// </summary>
internal interface IErrorShape
{
    /// <summary>Writes the error as the whole response, which has not started.</summary>
    Task WriteAsync(HttpContext http, DoorError error, RequestScope scope);
}
