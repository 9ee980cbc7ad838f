using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Edge;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>Switches the mode of a firewall.</summary>
internal static class FirewallActions
{
    public static void MapFirewallActions(this IEndpointRouteBuilder pages) =>
        pages.MapAction("/firewalls/{account}/{slug}/mode", SwitchAsync);

    private static async Task<Done> SwitchAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var slug = Addressed.Slug(action.Route("slug"));
        var command = action.Command(account, slug);
        var faults = new Faults();
        if (!FirewallWords.TryParseMode(action.Text("mode"), out var mode))
        {
            faults.Add("mode", "Must be block, audit or allow.");
        }

        if (!long.TryParse(action.Text("version"), NumberStyles.None, CultureInfo.InvariantCulture, out var version))
        {
            faults.Add("version", "Must be the version that the page showed.");
        }

        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }

        // The version from the page guards the update: it fails if the firewall changed after the page was shown.
        var grain = action.Grains.Firewalls(account);
        var present = await action.DoAsync(grain.GetAsync(slug, account), slug);
        var draft = present.Draft! with { Mode = mode };
        await action.DoAsync(grain.UpdateAsync(slug, draft, version, command), slug);
        return new Done($"{slug} is in {mode.Word()} mode. {mode.Effect()}");
    }
}
