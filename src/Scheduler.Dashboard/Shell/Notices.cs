using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// What an action has to say on the page that follows it: a sealed cookie that is read once. A page that is reloaded does nothing twice and
/// says nothing twice.
/// </summary>
internal sealed class Notices(IDataProtectionProvider protection)
{
    private const string Cookie = "scheduler-notice";
    private const int MostCharacters = 1500;

    // Browsers drop a cookie of more than 4096 bytes, its name and attributes among them, and say nothing.
    private const int MostSealed = 3800;
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly IDataProtector _seal = protection.CreateProtector("notices");

    /// <summary>Leaves a notice for the next page.</summary>
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

    /// <summary>The notice left for this page; null when there is none.</summary>
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
            // Not ours, or sealed with keys that are gone: nothing to say.
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

/// <summary>What an action has to say.</summary>
/// <param name="IsGood">Whether it was done.</param>
/// <param name="Text">One line.</param>
/// <param name="Hint">What to do, where it was not done.</param>
/// <param name="Code">The failure code or reason, where it was not done.</param>
/// <param name="RequestId">Under which request.</param>
public sealed record Notice(bool IsGood, string Text, string? Hint, string? Code, string RequestId);
