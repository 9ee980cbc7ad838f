using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scalar.AspNetCore;

namespace Scheduler.Api.OpenApi;

/// <summary>
/// The API reference as a page. Its assistant and its generators are off, because they would send the document to
/// another host. The page's policy refuses every request to another host.
/// </summary>
internal static class ReferencePage
{
    private const string Path = "/reference";

    /// <summary>Hides the buttons of the vendor's generator of client libraries, which has no setting.</summary>
    private const string Css = ".generate-sdk-button, .selected-client-action { display: none !important; }";

    public static void MapReference(this IEndpointRouteBuilder app) =>
        app.MapScalarApiReference(
                Path,
                (options, http) =>
                    options
                        .WithTitle("GPU scheduler API")
                        .WithOpenApiRoutePattern(OpenApiDocumentSource.Path)
                        .DisableDefaultFonts()
                        .DisableAgent()
                        .DisableMcp()
                        .DisableTelemetry()
                        .HideClientButton()
                        // The list of schemas is called Models, like the group of calls; each call shows its schemas.
                        .HideModels()
                        .HideDeveloperTools()
                        .WithCustomCss(Css)
                        .WithNonce(NonceOf(http))
            )
            .AddEndpointFilter(
                (context, next) =>
                {
                    context.HttpContext.Response.Headers.ContentSecurityPolicy = PolicyOf(NonceOf(context.HttpContext));
                    return next(context);
                }
            );

    private static string PolicyOf(string nonce) =>
        $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        + "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'self'; frame-ancestors 'none'";

    private static string NonceOf(HttpContext http)
    {
        if (http.Items[typeof(ReferencePage)] is not string nonce)
        {
            nonce = RandomNumberGenerator.GetHexString(32);
            http.Items[typeof(ReferencePage)] = nonce;
        }

        return nonce;
    }
}
