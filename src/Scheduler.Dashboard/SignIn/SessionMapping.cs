using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Edge;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.SignIn;

internal static class SessionMapping
{
    public static void MapSession(this IEndpointRouteBuilder pages)
    {
        pages.MapPost(
            "/session",
            (
                HttpContext http,
                IAntiforgery antiforgery,
                [FromKeyedServices(DashboardSetup.AdmissionKey)] RequestAdmission admission,
                KeyAuthority authority,
                ILogger<SessionEndpoints> logger
            ) => new SessionEndpoints(logger).SignInAsync(http, antiforgery, admission, authority)
        );
        pages.MapPost(
            "/sign-out",
            (HttpContext http, IAntiforgery antiforgery, KeyAuthority authority) =>
                SessionEndpoints.SignOutAsync(http, antiforgery, authority)
        );
    }
}
