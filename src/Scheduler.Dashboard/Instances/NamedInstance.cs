using System.Collections.Immutable;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Instances;

/// <summary>
/// An instance that another resource refers to by serving name: destination of a balancer, judge of a firewall.
/// </summary>
internal static class NamedInstance
{
    /// <summary>Path for the form of <see cref="StartNamed"/>.</summary>
    public const string StartPath = $"{DashboardSetup.Root}/start-named";

    /// <summary>The instance with a serving name; null if there is none.</summary>
    public static async Task<InstanceRecord?> FindAsync(IGrainFactory grains, AccountId account, string servingName)
    {
        if (await grains.ServingName(account, servingName).HolderAsync() is not { IsInstance: true } holder)
        {
            return null;
        }

        // An instance that has just reserved the name may have no record yet; it counts as missing.
        var answer = await grains.Instance(new InstanceId(holder.Value)).GetAsync(account);
        return answer.Value is { State: not InstanceState.Deleted } instance ? instance : null;
    }

    /// <summary>The instance of each serving name; null where there is none.</summary>
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

    /// <summary>Serving names of an account's instances, those that run first; for calls to copy.</summary>
    public static async Task<ImmutableArray<string>> SomeAsync(
        IGrainFactory grains,
        AccountId account,
        int most,
        CancellationToken cancellationToken
    )
    {
        var query = new InstanceQuery { Account = account, Limit = most };
        var running = grains.Fleet().ListInstancesAsync(query with { States = [InstanceState.Running] });
        var any = grains.Fleet().ListInstancesAsync(query);
        await Task.WhenAll(running, any).WaitAsync(cancellationToken);
        var all = (await running).Instances.Concat((await any).Instances);
        return [.. all.Select(instance => instance.ServingName).Distinct(StringComparer.Ordinal).Take(most)];
    }

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
        return new Done($"{started.ServingName} is {started.State.WireName()}.");
    }
}
