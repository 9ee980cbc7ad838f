using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.Domain.Instances;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests.Load;

/// <summary>Checks from outside, by the API and by the cloud's own list, that what a load was told has come true and nothing else has.</summary>
/// <param name="load">What was told.</param>
/// <param name="calls">Whom to ask, as an operator.</param>
internal sealed partial class Audit(LaunchLoad load, CallInvoker calls)
{
    private const int Page = 1000;

    /// <summary>How long what is acknowledged may be on its way when nothing is in the way any more.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(90);

    private readonly Instances.InstancesClient _instances = new(calls);
    private readonly Accounts.AccountsClient _accounts = new(calls);

    /// <summary>
    /// Waits until nothing is on its way any more and then holds INV-01 to INV-07 and INV-12 against the API: every acknowledged command,
    /// every timeline, the ledger, the failures, the lists. What it returns, all instances that are not deleted, is for
    /// <see cref="CloudAsync"/>.
    /// </summary>
    /// <param name="output">Added to the message when it does not settle.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<List<Instance>> ApiAsync(Func<string> output, CancellationToken cancellation)
    {
        var listed = await SettledAsync(output, cancellation);
        var instances = await OneByOneAsync(listed, cancellation);
        Acknowledged(instances);
        var runs = new List<Run>();
        foreach (var instance in instances)
        {
            var events = await TimelineAsync(instance, cancellation);
            Failed(instance, events);
            runs.AddRange(RunsOf(instance, events));
        }

        await MoneyAsync(listed, runs, cancellation);
        return listed;
    }

    /// <summary>The cloud's own list, read without the scheduler: exactly what runs, nothing else. No scheduler may run meanwhile.</summary>
    /// <param name="journal">The cloud's memory.</param>
    /// <param name="instances">All instances there are.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task CloudAsync(string journal, List<Instance> instances, CancellationToken cancellation)
    {
        var held = (await SimulatedCloudList.ReadAsync(journal, cancellation))
            .Select(allocation =>
                (Instance: allocation.Tag.Instance.Value, Allocation: allocation.ProviderAllocationId)
            )
            .ToList();

        var running = instances
            .Where(i => i.State == InstanceState.Running)
            .Select(i => (i.Name.Split('/')[^1], i.Placement.AllocationId));
        Assert.Equal(running.Order(), held.Order());
    }

    /// <summary>Waits until nothing is on its way any more, and returns all instances.</summary>
    private async Task<List<Instance>> SettledAsync(Func<string> output, CancellationToken cancellation)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var all = await ListAsync(cancellation);
            var moving = all.Where(i =>
                    i.State is InstanceState.Provisioning or InstanceState.Starting or InstanceState.Stopping
                    || i.ReleasePending
                )
                .ToList();
            if (moving.Count == 0)
            {
                return all;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < Longest,
                $"{moving.Count} instances are still on their way, for example {moving[0]}\n{output()}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);
        }
    }

    private async Task<List<Instance>> ListAsync(CancellationToken cancellation)
    {
        var all = new List<Instance>();
        var token = "";
        do
        {
            var page = await _instances.ListInstancesAsync(
                new ListInstancesRequest
                {
                    Parent = load.Account,
                    PageSize = Page,
                    PageToken = token,
                },
                cancellationToken: cancellation
            );
            all.AddRange(page.Instances);
            token = page.NextPageToken;
        } while (token.Length > 0);
        return all;
    }

    /// <summary>Each instance of the load as its grain tells it, deleted ones too; the list shows the others, and just so (INV-12).</summary>
    private async Task<List<Instance>> OneByOneAsync(List<Instance> listed, CancellationToken cancellation)
    {
        var names = load.LastAcknowledged.Keys.Union(listed.Select(i => i.Name), StringComparer.Ordinal).ToArray();
        var all = new Instance[names.Length];
        await Parallel.ForAsync(
            0,
            names.Length,
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = cancellation },
            async (i, cancelled) =>
                all[i] = await _instances.GetInstanceAsync(
                    new GetInstanceRequest { Name = names[i] },
                    cancellationToken: cancelled
                )
        );
        Assert.Equal(
            all.Where(i => i.State != InstanceState.Deleted).OrderBy(i => i.Name, StringComparer.Ordinal),
            listed.OrderBy(i => i.Name, StringComparer.Ordinal)
        );
        return [.. all];
    }

    private void Acknowledged(List<Instance> instances)
    {
        var byName = instances.ToDictionary(i => i.Name);
        foreach (var (name, command) in load.LastAcknowledged)
        {
            InstanceState[] started =
                load.Failures.Count > 0 ? [InstanceState.Running, InstanceState.Failed] : [InstanceState.Running];
            InstanceState[] promised = command switch
            {
                // A start after the acknowledged create may have been recorded without its answer arriving.
                "create" => [InstanceState.Stopped, InstanceState.Running],
                "start" => started,
                "start?" => [.. started, InstanceState.Stopped],
                "refused" => [InstanceState.Failed],
                "delete" => [InstanceState.Deleted],
                _ => [InstanceState.Stopped],
            };
            Assert.True(
                promised.Contains(byName[name].State),
                $"{name}: {command} was acknowledged, but it is {byName[name]}"
            );
        }
    }

    /// <summary>A timeline without gaps, of permitted transitions, up to the present state (INV-04).</summary>
    private async Task<List<Event>> TimelineAsync(Instance instance, CancellationToken cancellation)
    {
        var page = await _instances.ListInstanceEventsAsync(
            new ListInstanceEventsRequest { Parent = instance.Name, PageSize = Page },
            cancellationToken: cancellation
        );
        Assert.Equal(Enumerable.Range(1, page.Events.Count).Select(i => (long)i), page.Events.Select(e => e.Sequence));
        var state = Domain.Instances.InstanceState.Stopped;
        foreach (var happened in page.Events.Skip(1))
        {
            Assert.Equal(state.ToString(), happened.From);
            Assert.True(
                InstanceLifecycle.TryNext(state, Enum.Parse<InstanceTrigger>(happened.Trigger), out state),
                $"{instance.Name}: {happened} is not permitted."
            );
            Assert.Equal(state.ToString(), happened.To);
        }

        Assert.Equal(instance.State.ToString(), state.ToString());
        return [.. page.Events];
    }

    /// <summary>What failed says by what, what to do, and under which request; and only as this load may fail (INV-07).</summary>
    private void Failed(Instance instance, List<Event> events)
    {
        if (instance.State != InstanceState.Failed)
        {
            return;
        }

        Assert.True(load.Failures.Contains(instance.Failure?.Code ?? ""), $"{instance} is not to be expected.");
        Assert.NotEmpty(instance.Failure!.Message);
        Assert.NotEmpty(instance.Failure.Hint);
        Assert.Equal(
            events.Last(e => e.Trigger == nameof(InstanceTrigger.Start)).RequestId,
            instance.Failure.RequestId
        );
        Assert.Equal(instance.Failure.Code, events.Last(e => e.FailureCode.Length > 0).FailureCode);
    }
}
