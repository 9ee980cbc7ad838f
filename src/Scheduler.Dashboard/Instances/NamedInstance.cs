using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Instances;

/// <summary>An instance that something else names: a member of a balancer, the judge of a firewall.</summary>
internal static class NamedInstance
{
    /// <summary>Where <see cref="StartNamed"/> sends its form.</summary>
    public const string StartPath = $"{DashboardSetup.Root}/start-named";

    /// <summary>Who serves under a name; null where no instance does.</summary>
    public static async Task<InstanceRecord?> FindAsync(IGrainFactory grains, AccountId account, string servingName)
    {
        if (await grains.ServingName(account, servingName).HolderAsync() is not { IsBalancer: false } holder)
        {
            return null;
        }

        // Who has just taken the name may not be recorded yet: as good as nobody.
        var answer = await grains.Instance(new InstanceId(holder.Value)).GetAsync(account);
        return answer.Value is { State: not InstanceState.Deleted } instance ? instance : null;
    }

    /// <summary>Who serves under each of these names.</summary>
    public static async Task<IReadOnlyDictionary<string, InstanceRecord?>> FindAllAsync(
        IGrainFactory grains,
        AccountId account,
        IEnumerable<string> servingNames,
        CancellationToken cancellationToken
    )
    {
        var names = servingNames.Distinct(StringComparer.Ordinal).ToList();
        var found = await Task.WhenAll(names.Select(name => FindAsync(grains, account, name)))
            .WaitAsync(cancellationToken);
        return names.Zip(found).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
    }

    /// <summary>Whether a start is what would help.</summary>
    public static bool CanStart(this InstanceRecord? instance) =>
        instance is not null && InstanceLifecycle.TryNext(instance.State, InstanceTrigger.Start, out _);

    public static void MapNamedInstanceActions(this IEndpointRouteBuilder pages) =>
        pages.MapAction("/start-named", StartAsync);

    private static async Task<Done> StartAsync(PageAction action)
    {
        var account = Addressed.Account(action.Text("account"));
        var id = Addressed.Instance(action.Text("instance"));
        var command = action.Command(account, id.Value);
        var started = await action.DoAsync(action.Grains.Instance(id).StartAsync(command), id.Value);
        return new Done($"{started.ServingName} is {started.State.Word()}.");
    }
}
