using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Dashboard.Shell;

/// <summary>Checks for all submitted forms.</summary>
internal static class Forms
{
    private const long MaxBytes = 256 * 1024;

    /// <summary>Bytes of memory for one of a form: its texts have two bytes a character, and are built from pieces.</summary>
    private const int Times = 6;

    /// <summary>Refuses a form that did not come from a page of this dashboard.</summary>
    public static async Task ValidateAsync(HttpContext http, IAntiforgery antiforgery)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = MaxBytes;
        }

        // Nothing is known of the caller of a sign-in.
        var memory = new MemoryShare(http.RequestServices.GetRequiredService<MemoryBudget>(), keyId: null, key: null);
        http.Response.RegisterForDispose(memory);
        memory.Grow(Math.Min(http.Request.ContentLength ?? MaxBytes, MaxBytes) * Times);
        if (!await IsFormAsync(http) || !await antiforgery.IsRequestValidAsync(http))
        {
            throw new ApiException(
                ApiError.OfHttpStatus(StatusCodes.Status400BadRequest, http.Request.Path) with
                {
                    Message = "The form did not come from a page of this dashboard, or the page is too old.",
                    Hint = "Load the page again and repeat what you did.",
                }
            );
        }
    }

    /// <summary>
    /// Whether the body is a form. A body over the size limit throws <see cref="BadHttpRequestException"/> instead.
    /// </summary>
    private static async Task<bool> IsFormAsync(HttpContext http)
    {
        if (!http.Request.HasFormContentType)
        {
            return false;
        }

        try
        {
            await http.Request.ReadFormAsync(http.RequestAborted);
            return true;
        }
        catch (Exception malformed)
            when (malformed is InvalidDataException or IOException and not BadHttpRequestException)
        {
            return false;
        }
    }

    /// <summary>The dashboard path that a form names, or the first page; never another site.</summary>
    public static string LocalPath(StringValues path) =>
        path.ToString() is { Length: > 0 and < 2048 } given && given.All(IsOfAddress) && IsOurs(given)
            ? given
            : DashboardSetup.Root;

    /// <summary>
    /// Characters of the dashboard's own URLs, which escape all others. A header allows no others either.
    /// </summary>
    private static bool IsOfAddress(char letter) => letter is > ' ' and <= '~' and not '\\';

    /// <summary>Whether the path stays under the dashboard, also after a browser resolves dot segments.</summary>
    private static bool IsOurs(string address)
    {
        var path = address.Split('?', '#')[0];
        return (path == DashboardSetup.Root || path.StartsWith($"{DashboardSetup.Root}/", StringComparison.Ordinal))
            && !path.Contains("//", StringComparison.Ordinal)
            && !path.Split('/').Any(part => Uri.UnescapeDataString(part) is "." or "..");
    }
}
