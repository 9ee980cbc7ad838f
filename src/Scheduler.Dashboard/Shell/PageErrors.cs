using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>Errors as a page: what happened, what to do, and the request id.</summary>
internal sealed class PageErrors : IErrorShape
{
    /// <summary>The one there is.</summary>
    public static readonly PageErrors Shape = new();

    private PageErrors() { }

    /// <summary>Answers what no page is at.</summary>
    public static Task NothingHere(HttpContext http) =>
        throw new DoorException(DoorError.OfHttpStatus(StatusCodes.Status404NotFound, http.Request.Path));

    /// <inheritdoc/>
    public Task WriteAsync(HttpContext http, DoorError error, RequestScope scope)
    {
        var page = new RazorComponentResult<ErrorPage>(new { Facts = error }) { StatusCode = error.HttpStatus };
        return page.ExecuteAsync(http);
    }
}
