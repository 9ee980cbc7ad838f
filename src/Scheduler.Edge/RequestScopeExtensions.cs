using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge;

internal static class RequestScopeExtensions
{
    public static RequestScope Scope(this HttpContext http) =>
        http.Features.Get<RequestScope>()
        ?? throw new InvalidOperationException("The request has no scope; UseRequestScope must come first.");
}
