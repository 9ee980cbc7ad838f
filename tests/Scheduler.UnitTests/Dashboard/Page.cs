using Microsoft.AspNetCore.Routing;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>A mapped endpoint: a page, an action or a stream.</summary>
/// <param name="Template">The route template.</param>
/// <param name="IsAction">Whether it accepts only POST.</param>
/// <param name="IsForm">Whether it accepts POST.</param>
internal sealed record Page(string Template, bool IsAction, bool IsForm)
{
    public static Page Of(RouteEndpoint endpoint)
    {
        var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [];
        return new Page(
            "/" + endpoint.RoutePattern.RawText!.TrimStart('/'),
            methods is ["POST"],
            methods.Contains("POST", StringComparer.Ordinal)
        );
    }

    public override string ToString() => $"{(IsAction ? "POST" : "GET")} {Template}";
}
