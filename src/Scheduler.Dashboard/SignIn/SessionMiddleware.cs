using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Dashboard.Live;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Dashboard.SignIn;

/// <summary>Sets the caller of a session's request and applies the concurrency limits.</summary>
internal sealed class SessionMiddleware(
    RequestDelegate next,
    [FromKeyedServices(DashboardSetup.AdmissionKey)] RequestAdmission admission
)
{
    private const int MaxFormBytes = 256 * 1024;

    public async Task InvokeAsync(HttpContext http)
    {
        if (Session.CallerOf(http.User) is not { } caller)
        {
            await next(http);
            return;
        }

        var isStream = http.GetEndpoint()?.Metadata.GetMetadata<StaysOpen>() is not null;
        using var admitted = await admission.AdmitKnownAsync(http, caller, new RequestLoad(isStream, MaxFormBytes));
        await next(http);
    }
}
