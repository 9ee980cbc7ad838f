using System.Collections.Immutable;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Dashboard.SignIn;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Instances;

namespace Scheduler.Dashboard.Placement;

/// <summary>Endpoints of the launch form: explain while typing, explain as a page, and launch.</summary>
internal static class LaunchActions
{
    public static void MapLaunchActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/launch/create", CreateAsync);
        pages.MapPost("/launch/explain", ExplainAsync).RequireAuthorization(Session.AnyPolicy);
        pages.MapPost("/launch/look", PreviewAsync).RequireAuthorization(Session.AnyPolicy);
    }

    private static async Task<RazorComponentResult> ExplainAsync(
        HttpContext http,
        IAntiforgery antiforgery,
        IGrainFactory grains
    )
    {
        var form = await ReadAsync(http, antiforgery);
        var preview = await LaunchPreview.MakeAsync(grains, http.Scope().Caller!, form, http.RequestAborted);
        return new RazorComponentResult<LaunchPanel>(new { Preview = preview });
    }

    /// <summary>Fallback without JavaScript: redirects to the URL that holds the form values.</summary>
    private static async Task PreviewAsync(HttpContext http, IAntiforgery antiforgery)
    {
        var form = await ReadAsync(http, antiforgery);
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = form.Address;
    }

    private static async Task<Done> CreateAsync(PageAction action)
    {
        var form = LaunchForm.Of(action.Sent);

        // 1. Validate the form and the access scope; on an error, return to the form as it was filled in.
        action.Back = form.Address;
        var reader = new LaunchReader(form, action.Caller.Account);
        if (!Grammar.IsToken(action.Text("request_id")))
        {
            reader.Faults.Add("request_id", "Is not the value from the page; load the page again.");
        }

        if (!reader.Faults.None || reader.Account is not { } account)
        {
            throw new ApiException(Wrong(reader.Faults));
        }

        // 2. Create. The id is derived from the request id of the form, so a form sent twice creates one instance.
        var command = action.Command(account, account.Value);
        var id = new InstanceId(NewId.Make("i-", 20, "instance", account.Value, action.Text("request_id")));
        var wish = new CreateInstance(
            account,
            reader.ServingName,
            reader.Spec,
            ImmutableSortedDictionary<string, string>.Empty
        );
        var created = await action.Grains.Instance(id).CreateAsync(wish, command);
        if (created.Refusal is { Kind: RefusalKind.Invalid } refusal)
        {
            reader.Add(refusal);
            throw new ApiException(Wrong(reader.Faults));
        }

        created.OrThrow(account.Value);

        // 3. Start. A refused start leaves its reason on the instance, so the instance page follows in both cases.
        var page = $"{DashboardSetup.Root}/instances/{id}";
        action.Back = page;
        if (!reader.StartsAtOnce)
        {
            return new Done($"{reader.ServingName} was created and is stopped.", page);
        }

        (await action.Grains.Instance(id).StartAsync(command)).OrThrow(id.Value);
        return new Done($"{reader.ServingName} was created, and its start was accepted.", page);
    }

    private static async Task<LaunchForm> ReadAsync(HttpContext http, IAntiforgery antiforgery)
    {
        await Forms.ValidateAsync(http, antiforgery);
        var sent = await http.Request.ReadFormAsync(http.RequestAborted);
        return LaunchForm.Of(field => sent.TryGetValue(field, out var text) ? text.ToString() : null);
    }

    /// <summary>The validation errors, with field labels instead of names.</summary>
    private static ApiError Wrong(Faults faults) =>
        ApiError.Invalid([.. faults.All.Select(fault => fault with { Field = LaunchFields.LabelOf(fault.Field) })]) with
        {
            Hint = "Correct the fields below. Nothing was created.",
        };
}
