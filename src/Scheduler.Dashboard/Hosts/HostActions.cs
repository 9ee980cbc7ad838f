using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Hosts;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Hosts;

/// <summary>Operator actions on hosts and join tokens.</summary>
internal static class HostActions
{
    public static void MapHostActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/hosts/{host}/drain", DrainAsync);
        pages.MapAction("/hosts/{host}/undrain", UndrainAsync);
        pages.MapAction("/hosts/{host}/remove", RemoveAsync);
        pages.MapAction("/join-tokens", CreateTokenAsync);
        pages.MapAction("/join-tokens/{token}/delete", DeleteTokenAsync);
    }

    private static async Task<Done> DrainAsync(PageAction action)
    {
        var (command, host) = (action.OperatorCommand(), Addressed.Host(action.Route("host")));
        var (reason, faults) = (action.Text("reason"), new Faults());
        faults.CheckDrainReason("reason", reason);
        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }

        await action.DoAsync(action.Grains.Hosts().DrainAsync(host, reason, command), host);
        return new Done($"{host} is drained: no new launches are placed there.");
    }

    private static async Task<Done> UndrainAsync(PageAction action)
    {
        var (command, host) = (action.OperatorCommand(), Addressed.Host(action.Route("host")));
        await action.DoAsync(action.Grains.Hosts().UndrainAsync(host, command), host);
        return new Done($"{host} is back in placement.");
    }

    private static async Task<Done> RemoveAsync(PageAction action)
    {
        var (command, host) = (action.OperatorCommand(), Addressed.Host(action.Route("host")));
        await action.DoAsync(action.Grains.Hosts().RemoveAsync(host, action.Is("force"), command), host);
        return new Done($"{host} is removed.");
    }

    private static async Task<Done> CreateTokenAsync(PageAction action)
    {
        var command = action.OperatorCommand();
        var faults = new Faults();
        var uses = Number(action, "max_uses", JoinTokenLimits.MostUses, faults);
        var hours = Number(action, "hours", (int)JoinTokenLimits.LongestValidFor.TotalHours, faults);
        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }

        var (id, secret) = (JoinToken.NewId(), JoinToken.NewSecret());
        var view = await action.DoAsync(
            action
                .Grains.Hosts()
                .CreateTokenAsync(id, JoinToken.Fingerprint(secret), uses, TimeSpan.FromHours(hours), command),
            "join-tokens"
        );
        var request = action.Http.Request;
        return new Done(
            "",
            Page: new RazorComponentResult<JoinTokenPage>(
                new
                {
                    Token = new JoinToken(id, secret, view.Authority).Reveal(),
                    Scheduler = $"{request.Scheme}://{request.Host}",
                    Until = view.ExpiresAt,
                }
            )
        );
    }

    private static async Task<Done> DeleteTokenAsync(PageAction action)
    {
        var (command, token) = (action.OperatorCommand(), Addressed.JoinToken(action.Route("token")));
        await action.DoAsync(action.Grains.Hosts().DeleteTokenAsync(token, command), token);
        return new Done($"The join token {token} is deleted.");
    }

    private static int Number(PageAction action, string field, int most, Faults faults)
    {
        if (
            int.TryParse(action.Text(field), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= 1
            && number <= most
        )
        {
            return number;
        }

        faults.Add(field, string.Create(CultureInfo.InvariantCulture, $"Must be 1 to {most}."));
        return 1;
    }
}
