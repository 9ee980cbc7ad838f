using Microsoft.AspNetCore.Routing;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>Something that is mapped: a page, an action, a stream.</summary>
/// <param name="Template">Its path.</param>
/// <param name="IsAction">Whether it is a form's address and nothing else.</param>
/// <param name="IsForm">Whether forms may be sent there.</param>
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
