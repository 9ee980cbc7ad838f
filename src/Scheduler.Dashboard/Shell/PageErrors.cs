using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>Renders errors as a page with message, hint and request id.</summary>
internal sealed class PageErrors : IErrorShape
{
    public static readonly PageErrors Shape = new();

    private PageErrors() { }

    /// <summary>Answers paths without a page.</summary>
    public static Task NothingHere(HttpContext http) =>
        throw new ApiException(ApiError.OfHttpStatus(StatusCodes.Status404NotFound, http.Request.Path));

    public async Task WriteAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        // The failed page has already used the rendering services of the request scope, so a new scope is needed.
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
