using Google.Rpc;
using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Takes instances through complete lifecycles, on a market where launches may fail, with clients that may send every
/// command twice.
/// </summary>
internal sealed partial class LaunchLoad
{
    /// <summary>Concurrent instances per client.</summary>
    private const int AtATime = 4;

    private const string Model = "Qwen/Qwen2.5-0.5B";

    /// <summary>
    /// Works until it is ended, as <see cref="WorkAsync"/> does, and leaves its instances in their current state. It
    /// draws commands from <paramref name="random"/>; the possible commands depend on the state of the instances.
    /// </summary>
    /// <param name="name">Unique among the clients of the account.</param>
    /// <param name="end">Ends the work after the current command.</param>
    /// <param name="cancellation">Aborts the work.</param>
    public async Task LiveAsync(
        CallInvoker calls,
        Random random,
        string name,
        CancellationToken end,
        CancellationToken cancellation
    )
    {
        var instances = new Instances.InstancesClient(calls);
        var mine = new List<string>();
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            var command = $"{name}-{i}";
            // Drawn even if unused, so that a replay draws the same values.
            var (what, which, times) = (random.Next(10), random.Next(AtATime), random.Next(8) == 0 ? 2 : 1);
            if (what == 0)
            {
                var accounts = new Accounts.AccountsClient(calls);
                await SayAsync(times, () => TopUpAsync(accounts, $"t-{command}", 1_000_000, cancellation));
            }
            else if (which >= mine.Count)
            {
                mine.Add(await CreateAsync(instances, command, times, cancellation));
            }
            else if (LastAcknowledged[mine[which]] is "start")
            {
                await StopAsync(instances, mine[which], command, times, cancellation);
            }
            else if (await IsAtRestAsync(instances, mine[which], cancellation))
            {
                if (what < 4)
                {
                    await DeleteAsync(instances, mine[which], command, times, cancellation);
                    mine.RemoveAt(which);
                }
                else
                {
                    await StartAsync(instances, mine[which], command, times, cancellation);
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(30)), TimeProvider.System, cancellation);
        }
    }

    /// <summary>
    /// Sends the same command several times concurrently, as an impatient client does; each call must be acknowledged.
    /// </summary>
    private static Task SayAsync(int times, Func<Task> command) =>
        Task.WhenAll(Enumerable.Range(0, times).Select(_ => command()));

    private async Task<string> CreateAsync(
        Instances.InstancesClient instances,
        string id,
        int times,
        CancellationToken cancellation
    )
    {
        var request = new CreateInstanceRequest
        {
            Parent = Account,
            ServingName = $"k-{id}",
            RequestId = $"k-{id}",
            Spec = new LaunchSpec { Model = Model, ContextTokens = 2048 },
        };
        var name = "";
        await SayAsync(
            times,
            async () => name = (await instances.CreateInstanceAsync(request, cancellationToken: cancellation)).Name
        );
        Acknowledge(name, "create");
        return name;
    }

    private async Task StartAsync(
        Instances.InstancesClient instances,
        string name,
        string id,
        int times,
        CancellationToken cancellation
    )
    {
        var request = new StartInstanceRequest { Name = name, RequestId = $"s-{id}" };
        var acknowledged = "start";
        await SayAsync(
            times,
            async () =>
            {
                try
                {
                    await instances.StartInstanceAsync(request, cancellationToken: cancellation);
                }
                catch (RpcException refused)
                    when (refused.GetRpcStatus()?.GetDetail<ErrorInfo>() is { } info && Failures.Contains(info.Reason))
                {
                    // The instance was started and failed before the answer: in its checks, or while the call was
                    // retried.
                    acknowledged = "refused";
                }
            }
        );
        Acknowledge(name, acknowledged);
    }

    private async Task StopAsync(
        Instances.InstancesClient instances,
        string name,
        string id,
        int times,
        CancellationToken cancellation
    )
    {
        var request = new StopInstanceRequest { Name = name, RequestId = $"e-{id}" };
        await SayAsync(times, async () => await instances.StopInstanceAsync(request, cancellationToken: cancellation));
        Acknowledge(name, "stop");
    }

    private async Task DeleteAsync(
        Instances.InstancesClient instances,
        string name,
        string id,
        int times,
        CancellationToken cancellation
    )
    {
        var request = new DeleteInstanceRequest { Name = name, RequestId = $"d-{id}" };
        await SayAsync(
            times,
            async () =>
            {
                while (!await TryDeleteAsync(instances, request, cancellation))
                {
                    // The money of the last run is not settled yet, which no field shows.
                    await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellation);
                }
            }
        );
        Acknowledge(name, "delete");
    }

    private static async Task<bool> TryDeleteAsync(
        Instances.InstancesClient instances,
        DeleteInstanceRequest request,
        CancellationToken cancellation
    )
    {
        try
        {
            await instances.DeleteInstanceAsync(request, cancellationToken: cancellation);
            return true;
        }
        catch (RpcException refused) when (refused.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason is "WRONG_STATE")
        {
            return false;
        }
    }

    /// <summary>Whether the last run is completely settled, so that the instance can be started or deleted.</summary>
    private static async Task<bool> IsAtRestAsync(
        Instances.InstancesClient instances,
        string name,
        CancellationToken cancellation
    )
    {
        var seen = await instances.GetInstanceAsync(
            new GetInstanceRequest { Name = name },
            cancellationToken: cancellation
        );
        return seen.State is InstanceState.Stopped or InstanceState.Failed && !seen.ReleasePending;
    }
}
