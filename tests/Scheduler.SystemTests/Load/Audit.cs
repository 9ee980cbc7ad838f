using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.Domain.Instances;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Checks from outside, through the API and the list of the cloud, that the acknowledged commands of a load took effect
/// and nothing else did.
/// </summary>
/// <param name="calls">Calls made as an operator.</param>
internal sealed partial class Audit(LaunchLoad load, CallInvoker calls)
{
    private const int Page = 1000;

    /// <summary>Longest time until an acknowledged command takes effect after all faults have ended.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(90);

    private readonly Instances.InstancesClient _instances = new(calls);
    private readonly Accounts.AccountsClient _accounts = new(calls);

    /// <summary>All runs that the last <see cref="ApiAsync"/> found in the timelines.</summary>
    public IReadOnlyList<Run> Runs { get; private set; } = [];

    /// <summary>
    /// Waits until the state settles and then checks INV-01 to INV-07 and INV-12 through the API: every acknowledged
    /// command, every timeline, the ledger, the failures and the lists. Returns all instances that are not deleted, for
    /// <see cref="CloudAsync"/>.
    /// </summary>
    /// <param name="output">Added to the message when the state does not settle.</param>
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

        Runs = runs;
        await MoneyAsync(listed, runs, cancellation);
        return listed;
    }

    /// <summary>
    /// The list of the cloud contains exactly the allocations of running instances. It is read without the scheduler;
    /// no scheduler may run meanwhile.
    /// </summary>
    /// <param name="journal">Journal file of the simulated cloud.</param>
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

    /// <summary>Waits until the state settles, and returns all instances.</summary>
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
                $"{moving.Count} instances have not settled, for example {moving[0]}\n{output()}"
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

    /// <summary>
    /// Reads each instance of the load from its grain, deleted ones included. The list shows the others with equal
    /// contents (INV-12).
    /// </summary>
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

    /// <summary>
    /// The timeline has no gaps, has only permitted transitions and ends in the current state (INV-04).
    /// </summary>
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

    /// <summary>
    /// Each failure has a code, a remedy and a request id, and only codes expected of this load occur (INV-07).
    /// </summary>
    private void Failed(Instance instance, List<Event> events)
    {
        if (instance.State != InstanceState.Failed)
        {
            return;
        }

        Assert.True(load.Failures.Contains(instance.Failure?.Code ?? ""), $"{instance} has an unexpected failure.");
        Assert.NotEmpty(instance.Failure!.Message);
        Assert.NotEmpty(instance.Failure.Hint);
        Assert.Equal(
            events.Last(e => e.Trigger == nameof(InstanceTrigger.Start)).RequestId,
            instance.Failure.RequestId
        );
        Assert.Equal(instance.Failure.Code, events.Last(e => e.FailureCode.Length > 0).FailureCode);
    }
}
