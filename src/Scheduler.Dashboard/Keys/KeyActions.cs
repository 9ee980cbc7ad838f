using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Keys;

internal static class KeyActions
{
    public static void MapKeyActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/accounts/{account}/keys", CreateAsync);
        pages.MapAction("/accounts/{account}/keys/{key}/revoke", RevokeAsync);
        pages.MapAction("/accounts/{account}/keys/{key}/end-sessions", EndSessionsAsync);
    }

    private static async Task<Done> CreateAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var command = action.Command(account, account.Value);
        var name = action.Text("display_name");
        var faults = new Faults();
        faults.CheckDisplayName("display_name", name);
        if (!Enum.TryParse<KeyRole>(action.Text("role"), out var role) || !Enum.IsDefined(role))
        {
            faults.Add("role", $"Must be {KeyRole.Full} or {KeyRole.Viewer}.");
        }

        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }

        await action.DoAsync(action.Grains.Account(account).GetAsync(account), account.Value);

        // A form that is sent twice creates one key; its token is not shown again.
        var id = NewId.Make("key-", KeyToken.IdLength, "key", account.Value, command.ClientRequestId ?? "");
        var token = KeyAuthority.NewToken(id);
        var answer = await action
            .Grains.Key(token.KeyId)
            .CreateAsync(new CreateKey(account, name, KeyAuthority.Fingerprint(token), role), command)
            .WaitAsync(action.Http.RequestAborted);
        if (answer.Refusal is { Kind: RefusalKind.AlreadyExists } refusal)
        {
            throw new ApiException(
                ApiError.Of(refusal, token.KeyId) with
                {
                    Message = $"This form was already sent: it created {token.KeyId} and showed its token.",
                    Hint = "If the token was not copied, revoke that key and create another.",
                }
            );
        }

        var key = answer.OrThrow(token.KeyId);
        return new Done(
            "",
            Page: new RazorComponentResult<KeyCreatedPage>(
                new
                {
                    Account = account,
                    Key = key,
                    Token = token.Reveal(),
                }
            )
        );
    }

    private static async Task<Done> RevokeAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var id = Addressed.Key(action.Route("key"));
        var command = action.Command(account, id);
        var key = await action.DoAsync(action.Grains.OwnKeyAsync(account, id, own => own.RevokeAsync(command)), id);
        action.Http.RequestServices.GetRequiredService<KeyAuthority>().RecordRevoked(key);
        return new Done($"{id} is revoked: requests with this key are refused.");
    }

    private static async Task<Done> EndSessionsAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var id = Addressed.Key(action.Route("key"));
        var command = action.Command(account, id);
        var key = await action.DoAsync(
            action.Grains.OwnKeyAsync(account, id, own => own.EndSessionsAsync([], command)),
            id
        );
        action.Http.RequestServices.GetRequiredService<KeyAuthority>().RecordEndedSessions(key);
        return new Done($"The sessions of {id} have ended.");
    }
}
