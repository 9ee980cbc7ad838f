using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
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
    public async Task WriteAsync(HttpContext http, DoorError error, RequestScope scope)
    {
        // The page that failed has used up the request's services for making pages.
        await using var fresh = http.RequestServices.CreateAsyncScope();
        var own = http.RequestServices;
        http.RequestServices = fresh.ServiceProvider;
        try
        {
            var page = new RazorComponentResult<ErrorPage>(new { Facts = error }) { StatusCode = error.HttpStatus };
            await page.ExecuteAsync(http);
        }
        finally
        {
            http.RequestServices = own;
        }
    }
}
