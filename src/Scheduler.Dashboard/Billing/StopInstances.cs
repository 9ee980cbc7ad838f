using System.Collections.Immutable;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Billing;

/// <summary>Stops what an account runs or is about to run; the account's own keys may do it too.</summary>
internal static class StopInstances
{
    /// <summary>Most instances of one action, so that its answer comes in seconds.</summary>
    public const int Most = 1000;

    /// <summary>Refused instances that the notice names.</summary>
    private const int MostNamed = 5;

    /// <summary>States with capacity that costs money or soon will, and those that lead to one without another command.</summary>
    public static ImmutableArray<InstanceState> States { get; } =
    [.. Enum.GetValues<InstanceState>().Where(state => state.MayHoldAllocation() || state == InstanceState.Waiting)];

    public static async Task<Done> RunAsync(PageAction action)
    {
        var account = Addressed.Account(action.Route("account"));
        var command = action.Command(account, account.Value);
        await action.DoAsync(action.Grains.Account(account).GetAsync(account), account.Value);
        var query = new InstanceQuery
        {
            Account = account,
            States = States,
            Limit = Most,
        };
        var page = await action.Grains.Fleet().ListInstancesAsync(query).WaitAsync(action.Http.RequestAborted);
        var answers = await Task.WhenAll(
                page.Instances.Select(async instance =>
                    (instance.ServingName, (await action.Grains.Instance(instance.Id).StopAsync(command)).Refusal)
                )
            )
            .WaitAsync(action.Http.RequestAborted);
        var refused = answers.Where(answer => answer.Refusal is not null).ToList();
        return new Done(Words(account, answers.Length - refused.Count, refused.ConvertAll(one => one.ServingName)));
    }

    private static string Words(AccountId account, int stopped, List<string> refused)
    {
        var done =
            stopped == 0 && refused.Count == 0
                ? $"No instance of {account} runs or is being started."
                : $"The stop of {Units.Count(stopped)} {(stopped == 1 ? "instance" : "instances")} of {account} was accepted.";
        return refused.Count == 0
            ? done
            : $"{done} Not stopped, because their state changed meanwhile: {string.Join(", ", refused.Take(MostNamed))}"
                + (refused.Count > MostNamed ? $" and {Units.Count(refused.Count - MostNamed)} more." : ".");
    }
}
