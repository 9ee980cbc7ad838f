using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.SignIn;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>Maps actions: checked, done, and followed by a page that says what came of it.</summary>
internal static class Actions
{
    /// <summary>Maps one.</summary>
    /// <param name="pages">Where to.</param>
    /// <param name="path">Its path under the dashboard's.</param>
    /// <param name="act">What it does.</param>
    public static void MapAction(this IEndpointRouteBuilder pages, string path, Func<PageAction, Task<Done>> act) =>
        pages
            .MapPost(
                path,
                (HttpContext http, IAntiforgery antiforgery, Notices notices) =>
                    RunAsync(http, antiforgery, notices, act)
            )
            .RequireAuthorization(Session.AnyPolicy);

    private static async Task<IResult> RunAsync(
        HttpContext http,
        IAntiforgery antiforgery,
        Notices notices,
        Func<PageAction, Task<Done>> act
    )
    {
        await Forms.ValidateAsync(http, antiforgery);
        var form = await http.Request.ReadFormAsync(http.RequestAborted);
        var action = new PageAction(http, form);
        var id = http.Scope().Id.Value;
        var back = Forms.LocalPath(form["return"]);
        try
        {
            if (!action.Caller.MayChange)
            {
                throw new DoorException(DoorError.ViewersKey(action.Caller.KeyId));
            }

            var done = await act(action);
            if (done.Page is { } page)
            {
                return page;
            }

            notices.Leave(http, new Notice(true, done.Text, null, null, id));
            back = done.GoTo ?? back;
        }
        catch (DoorException refused)
        {
            notices.Leave(http, Refused(refused.Error, id));
            back = action.Back ?? back;
        }

        // 303: what follows a form is a page, whatever the form was.
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = back;
        return Results.Empty;
    }

    private static Notice Refused(DoorError error, string id)
    {
        var faults = string.Join(" ", error.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));

        // The hint of faulty fields points into the answer of an API, which nobody sees here.
        return faults.Length > 0
            ? new Notice(false, faults, null, error.Reason, id)
            : new Notice(false, error.Message, error.Hint, error.Reason, id);
    }
}

/// <summary>What came of an action.</summary>
/// <param name="Text">One line for the page that follows.</param>
/// <param name="GoTo">That page; null for the one the form was on.</param>
/// <param name="Page">A page that is itself the answer, because what it shows must be kept nowhere on the way to another; null else.</param>
internal sealed record Done(string Text, string? GoTo = null, IResult? Page = null);
