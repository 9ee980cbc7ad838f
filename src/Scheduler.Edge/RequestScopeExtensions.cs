using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge;

/// <summary>Finds the scope of a request.</summary>
internal static class RequestScopeExtensions
{
    public static RequestScope Scope(this HttpContext http) =>
        http.Features.Get<RequestScope>()
        ?? throw new InvalidOperationException("The request has no scope; UseRequestScope must come first.");
}
