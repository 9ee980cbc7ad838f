using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Scheduler.Dashboard.Shell;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.SignIn;

internal sealed partial class SessionEndpoints(ILogger<SessionEndpoints> logger)
{
    private const int MaxFormBytes = 16 * 1024;

    public async Task<IResult> SignInAsync(
        HttpContext http,
        IAntiforgery antiforgery,
        RequestAdmission admission,
        KeyAuthority authority
    )
    {
        await Forms.ValidateAsync(http, antiforgery);
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var back = Forms.LocalPath(form["return"]);

        // Admission as for any API client, with the same limit on guesses. A rate limit becomes an error page with
        // status and waiting time.
        http.Request.Headers.Authorization = HeaderOf(form["key"].ToString().Trim());
        try
        {
            using var admitted = await admission.AdmitAsync(http, new RequestLoad(false, MaxFormBytes), changes: false);
        }
        catch (ApiException refused) when (refused.Error.HttpStatus == StatusCodes.Status401Unauthorized)
        {
            EdgeMetrics.RecordReason(http, refused.Error);
            return Results.Redirect(
                $"{Session.SignInPath}?refused={refused.Error.Reason}&return={Uri.EscapeDataString(back)}"
            );
        }

        var caller = http.Scope().Caller!;
        var session = Session.New(http);
        try
        {
            await authority.BeginSessionAsync(caller.KeyId, session).WaitAsync(http.RequestAborted);
        }
        catch (Exception exception) when (!http.RequestAborted.IsCancellationRequested)
        {
            // With a full store, people need the dashboard most. The session works, but no list shows it.
            LogNotListed(exception, caller.KeyId);
        }

        await http.SignInAsync(Session.Scheme, Session.Of(caller, session));
        LogSignedIn(caller.KeyId);
        return Results.Redirect(back);
    }

    /// <summary>Ends the session for every copy of its cookie, then removes the cookie.</summary>
    public static async Task<IResult> SignOutAsync(HttpContext http, IAntiforgery antiforgery, KeyAuthority authority)
    {
        await Forms.ValidateAsync(http, antiforgery);
        if (Session.CallerOf(http.User) is { } caller && Session.SessionOf(http.User) is { } session)
        {
            await authority.EndSessionAsync(caller.KeyId, session).WaitAsync(http.RequestAborted);
        }

        await http.SignOutAsync(Session.Scheme);
        return Results.Redirect(Session.SignInPath);
    }

    /// <summary>
    /// Authorization header of a key. A text with characters that a header cannot hold is no key and is sent as
    /// <c>?</c>.
    /// </summary>
    private static string HeaderOf(string key) =>
        key.Length == 0 ? "" : $"Bearer {(key.All(letter => letter is > ' ' and <= '~') ? key : "?")}";

    [LoggerMessage(5101, LogLevel.Information, "Signed in to the dashboard with {Key}")]
    private partial void LogSignedIn(string key);

    [LoggerMessage(5104, LogLevel.Warning, "Cannot record the session of {Key}; it will not be listed")]
    private partial void LogNotListed(Exception exception, string key);
}
