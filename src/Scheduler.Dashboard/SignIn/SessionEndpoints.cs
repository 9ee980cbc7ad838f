using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Scheduler.Dashboard.Shell;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Dashboard.SignIn;

/// <summary>Signing in and out.</summary>
internal sealed partial class SessionEndpoints(ILogger<SessionEndpoints> logger)
{
    private const int MaxFormBytes = 16 * 1024;

    public async Task<IResult> SignInAsync(HttpContext http, IAntiforgery antiforgery, Doorkeeper doorkeeper)
    {
        await Forms.ValidateAsync(http, antiforgery);
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var back = Forms.LocalPath(form["return"]);

        // The same way in as any client's, with the same limit on guesses: who is told to wait is told so by an error's page, with its
        // status and for how long.
        http.Request.Headers.Authorization = HeaderOf(form["key"].ToString().Trim());
        try
        {
            using var passage = await doorkeeper.AdmitAsync(http, new Load(false, MaxFormBytes), changes: false);
        }
        catch (DoorException refused) when (refused.Error.HttpStatus == StatusCodes.Status401Unauthorized)
        {
            return Results.Redirect(
                $"{Session.SignInPath}?refused={refused.Error.Reason}&return={Uri.EscapeDataString(back)}"
            );
        }

        var caller = http.Scope().Caller!;
        await http.SignInAsync(Session.Scheme, Session.Of(caller));
        LogSignedIn(caller.KeyId);
        return Results.Redirect(back);
    }

    public static async Task<IResult> SignOutAsync(HttpContext http, IAntiforgery antiforgery)
    {
        await Forms.ValidateAsync(http, antiforgery);
        await http.SignOutAsync(Session.Scheme);
        return Results.Redirect(Session.SignInPath);
    }

    /// <summary>The header that shows a key; no key has a letter that a header cannot have, and such a text shows none.</summary>
    private static string HeaderOf(string key) =>
        key.Length == 0 ? "" : $"Bearer {(key.All(letter => letter is > ' ' and <= '~') ? key : "?")}";

    [LoggerMessage(5101, LogLevel.Information, "Signed in to the dashboard with {Key}")]
    private partial void LogSignedIn(string key);
}
