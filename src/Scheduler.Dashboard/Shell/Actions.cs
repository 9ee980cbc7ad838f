using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.SignIn;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Shell;

/// <summary>
/// Maps form posts: validates the form, runs the action and redirects to a page with a notice of the result.
/// </summary>
internal static class Actions
{
    /// <param name="path">Path under the dashboard's path prefix.</param>
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
                throw new ApiException(ApiError.ViewersKey(action.Caller.KeyId));
            }

            var done = await act(action);
            if (done.Page is { } page)
            {
                return page;
            }

            notices.Leave(http, new Notice(true, done.Text, null, null, id));
            back = done.GoTo ?? back;
        }
        catch (ApiException refused)
        {
            EdgeMetrics.RecordReason(http, refused.Error);
            notices.Leave(http, Refused(refused.Error, id));
            back = action.Back ?? back;
        }

        // 303: the browser follows with a GET.
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = back;
        return Results.Empty;
    }

    private static Notice Refused(ApiError error, string id)
    {
        var faults = string.Join(" ", error.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));

        // The hint for invalid fields refers to an API response, which the page does not show.
        return faults.Length > 0
            ? new Notice(false, faults, null, error.Reason, id)
            : new Notice(false, error.Message, error.Hint, error.Reason, id);
    }
}

/// <summary>Result of an action.</summary>
/// <param name="Text">One line for the notice on the next page.</param>
/// <param name="GoTo">Path of the next page; null for the page of the form.</param>
/// <param name="Page">Response page without a redirect, for a secret that must not be stored in a notice; else
/// null.</param>
internal sealed record Done(string Text, string? GoTo = null, IResult? Page = null);
