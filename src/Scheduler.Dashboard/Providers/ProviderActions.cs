using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Providers;

namespace Scheduler.Dashboard.Providers;

/// <summary>Operator actions on a provider.</summary>
internal static class ProviderActions
{
    public static void MapProviderActions(this IEndpointRouteBuilder pages)
    {
        pages.MapAction("/providers/{id}/drain", DrainAsync);
        pages.MapAction("/providers/{id}/undrain", UndrainAsync);
        pages.MapAction("/providers/{id}/refresh", RefreshAsync);
    }

    private static async Task<Done> DrainAsync(PageAction action)
    {
        var command = action.Command(null, What(action));
        var reason = action.Text("reason");
        var faults = new Faults();
        faults.CheckDrainReason("reason", reason);
        if (!faults.None)
        {
            throw new ApiException(ApiError.Invalid(faults.All));
        }

        (await GrainOf(action).DrainAsync(reason, command)).OrThrow(What(action));
        return new Done($"{action.Route("id")} is draining: no new launches are placed there.");
    }

    private static async Task<Done> UndrainAsync(PageAction action)
    {
        var command = action.Command(null, What(action));
        (await GrainOf(action).UndrainAsync(command)).OrThrow(What(action));
        return new Done($"{action.Route("id")} is back in placement.");
    }

    private static async Task<Done> RefreshAsync(PageAction action)
    {
        // Only checks the permission: a refresh takes no command context.
        action.Command(null, What(action));
        var view = (await GrainOf(action).RefreshAsync()).OrThrow(What(action));
        return view.ListingError is null
            ? new Done($"{view.Id} listed {Units.Count(view.Offers)} offers.")
            : new Done($"The listing of {view.Id} failed: {view.ListingError}");
    }

    private static string What(PageAction action) => $"providers/{action.Route("id")}";

    private static IProviderGrain GrainOf(PageAction action) =>
        Grammar.IsProviderId(action.Route("id"))
            ? action.Grains.Provider(new ProviderId(action.Route("id")))
            : throw new ApiException(ApiError.NotFound(What(action)));
}
