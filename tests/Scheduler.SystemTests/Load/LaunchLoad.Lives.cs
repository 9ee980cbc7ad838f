using Google.Rpc;
using Grpc.Core;
using Scheduler.Api.V1;

namespace Scheduler.SystemTests.Load;

/// <summary>Instances led through whole lives, on a market where launches may fail, by clients that may say everything twice.</summary>
internal sealed partial class LaunchLoad
{
    /// <summary>Instances one client has at a time.</summary>
    private const int AtATime = 4;

    private const string Model = "Qwen/Qwen2.5-0.5B";

    /// <summary>
    /// Works until it is told to end, as <see cref="WorkAsync"/> does, and leaves its instances as they then are. Its commands are drawn from
    /// <paramref name="random"/>; what is possible depends on how far the instances have come.
    /// </summary>
    /// <param name="calls">Whom it asks.</param>
    /// <param name="random">What it does, and when.</param>
    /// <param name="name">Of the client, unique among all of the account.</param>
    /// <param name="end">Ends it.</param>
    /// <param name="cancellation">Breaks it off.</param>
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
            // Drawn whether or not it is used: a replay draws the same.
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

    /// <summary>The same command so many times at once, as by a client that lost its patience; each must be acknowledged.</summary>
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
                    // It was started, and failed before the answer: by its checks, or while a try was made again.
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
                    // The money of its last run is not settled yet, which no field tells.
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

    /// <summary>Whether everything of its last run is settled, so that it may be started or deleted.</summary>
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
