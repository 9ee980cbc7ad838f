using System.Globalization;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Billing;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>Actions on an instance.</summary>
internal static class InstanceActions
{
    public static void MapInstanceActions(this IEndpointRouteBuilder pages)
    {
        // A notice says what was done and no state that may pass: it stays while the page goes on.
        pages.MapAction(
            "/instances/{id}/stop",
            action =>
                CommandAsync(
                    action,
                    (grain, command) => grain.StopAsync(command),
                    record => $"The stop of {record.ServingName} was accepted."
                )
        );
        pages.MapAction(
            "/instances/{id}/delete",
            action =>
                CommandAsync(
                    action,
                    (grain, command) => grain.DeleteAsync(command),
                    record => $"{record.ServingName} is deleted."
                )
        );
        pages.MapAction("/instances/{id}/remedies/{remedy}", RemedyAsync);
    }

    private static async Task<Done> CommandAsync(
        PageAction action,
        Func<IInstanceGrain, CommandContext, Task<Answer<InstanceRecord>>> command,
        Func<InstanceRecord, string> notice
    )
    {
        var (record, what) = await SeeAsync(action);
        var answer = await action.DoAsync(
            command(action.Grains.Instance(record.Id), action.Command(record.Account, what)),
            what
        );
        return new Done(notice(answer));
    }

    /// <summary>Applies a remedy: a top-up if it needs one, then the change of the spec and the start.</summary>
    private static async Task<Done> RemedyAsync(PageAction action)
    {
        var (record, what) = await SeeAsync(action);
        var isSame = record.Generation.ToString(CultureInfo.InvariantCulture) == action.Text("generation");
        if (!isSame || Remedies.For(record).FirstOrDefault(way => way.Id == action.Route("remedy")) is not { } remedy)
        {
            throw new ApiException(
                ApiError.Of(
                    new Refusal
                    {
                        Kind = RefusalKind.WrongState,
                        Message = "The instance has changed since the page was loaded, so nothing was done.",
                        State = record.State.WireName(),
                    },
                    what
                ) with
                {
                    Hint = "Check the page as it is now, and choose again.",
                }
            );
        }

        if (remedy.TopUp is not null)
        {
            // The permission comes first: a caller without it learns nothing about amounts.
            var payment = action.OperatorCommand();
            var amount = AmountOf(action, remedy);
            var reference = $"dashboard-{record.Id}-g{record.Generation.ToString(CultureInfo.InvariantCulture)}";
            var account = action.Grains.Account(record.Account);
            await action.DoAsync(account.TopUpAsync(amount, reference, payment), what);
        }

        // Without the generation: it was compared above, and a release that is confirmed meanwhile must not refuse the repair.
        var grain = action.Grains.Instance(record.Id);
        var command = action.Command(record.Account, what);
        record = await action.DoAsync(grain.RepairAsync(new RepairInstance(remedy.Id, null), command), what);
        return new Done($"The start of {record.ServingName} was accepted.");
    }

    /// <summary>The amount that the user left or typed: enough for the launch, at most the largest top-up.</summary>
    private static MicroEuro AmountOf(PageAction action, Remedy remedy)
    {
        var (faults, least) = (new Faults(), remedy.LeastTopUp ?? MicroEuro.Zero);
        if (!EuroText.TryParse(action.Text("amount"), out var amount))
        {
            faults.Add("amount", $"Must be {EuroText.Accepted}.");
        }
        else if (amount < least || amount > AccountActions.LargestTopUp)
        {
            faults.Add(
                "amount",
                $"Is {EuroText.Exact(amount)} EUR; the launch needs {EuroText.Exact(least)} EUR or more, "
                    + $"up to {EuroText.Exact(AccountActions.LargestTopUp)} EUR."
            );
        }

        return faults.None ? amount : throw new ApiException(ApiError.Invalid(faults.All));
    }

    private static async Task<(InstanceRecord Record, string What)> SeeAsync(PageAction action)
    {
        var id = Addressed.Instance(action.Route("id"));
        var what = id.Value;
        var record = await action.DoAsync(action.Grains.Instance(id).GetAsync(action.Caller.Account), what);
        return (record, what);
    }
}
