using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Secrets;

namespace Scheduler.Dashboard.Secrets;

/// <summary>Forms about secrets. A value goes in and is on no page and in no notice.</summary>
internal static class SecretActions
{
    public static void MapSecretActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/accounts/{account}/secrets", CreateAsync);
        pages.MapAction("/accounts/{account}/secrets/{secret}/rotate", RotateAsync);
        pages.MapAction("/accounts/{account}/secrets/{secret}/delete", DeleteAsync);
    }

    private static async Task<Done> CreateAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var command = action.Command(account, account.Value);
        var name = action.Text("name");
        if (!SecretValidation.IsName(name))
        {
            throw new ApiException(ApiError.Invalid([new FieldFault("name", $"Must be {SecretValidation.Name}.")]));
        }

        await action.DoAsync(action.Grains.Account(account).GetAsync(account), account.Value);
        await action.DoAsync(action.Grains.Secrets(account).CreateAsync(name, ValueOf(action), command), name);
        return new Done($"The secret {name} is stored. Launches can name it.");
    }

    private static async Task<Done> RotateAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var name = Addressed.Secret(action.Route("secret"));
        var command = action.Command(account, name);
        long? version = long.TryParse(
            action.Text("version"),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var shown
        )
            ? shown
            : null;
        await action.DoAsync(action.Grains.Secrets(account).RotateAsync(name, ValueOf(action), version, command), name);
        return new Done($"The secret {name} has a new value. Runtimes get it at their next start.");
    }

    private static async Task<Done> DeleteAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var name = Addressed.Secret(action.Route("secret"));
        var command = action.Command(account, name);
        await action.DoAsync(action.Grains.Secrets(account).DeleteAsync(name, command), name);
        return new Done($"The secret {name} is deleted.");
    }

    private static SecretText ValueOf(PageAction action) => new(action.Text("value"));
}
