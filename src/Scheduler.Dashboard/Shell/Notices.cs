using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Passes the result of an action to the next page in an encrypted cookie that is read once. Reloading that page
/// repeats neither the action nor the notice.
/// </summary>
internal sealed class Notices(IDataProtectionProvider protection)
{
    private const string Cookie = "scheduler-notice";
    private const int MostCharacters = 1500;

    // Browsers silently drop a cookie of more than 4096 bytes, including its name and attributes.
    private const int MostSealed = 3800;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly IDataProtector _seal = protection.CreateProtector("notices");

    public void Leave(HttpContext http, Notice notice)
    {
        var most = MostCharacters;
        var text = Seal(notice, most);
        while (text.Length > MostSealed && most > 0)
        {
            text = Seal(notice, most /= 2);
        }

        http.Response.Cookies.Append(Cookie, text, Options(http, Kept));
    }

    /// <summary>Reads and deletes the notice; null if there is none.</summary>
    public Notice? Take(HttpContext http)
    {
        if (http.Request.Cookies[Cookie] is not { } sealedNotice || http.Response.HasStarted)
        {
            return null;
        }

        http.Response.Cookies.Delete(Cookie, Options(http, null));
        try
        {
            return JsonSerializer.Deserialize<Notice>(_seal.Unprotect(sealedNotice));
        }
        catch (CryptographicException)
        {
            // Forged, or encrypted with keys that no longer exist.
            return null;
        }
    }

    private string Seal(Notice notice, int most) =>
        _seal.Protect(
            JsonSerializer.Serialize(
                notice with
                {
                    Text = Cut(notice.Text, most),
                    Hint = notice.Hint is { } hint ? Cut(hint, most) : null,
                }
            )
        );

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most] + "…";

    private static CookieOptions Options(HttpContext http, TimeSpan? age) =>
        new()
        {
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
            Secure = http.Request.IsHttps,
            Path = DashboardSetup.Root,
            MaxAge = age,
        };
}

/// <param name="IsGood">Whether the action succeeded.</param>
/// <param name="Code">Failure code or reason; null on success.</param>
public sealed record Notice(bool IsGood, string Text, string? Hint, string? Code, string RequestId);
