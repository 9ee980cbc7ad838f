using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Api.V1;
using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Providers;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests.Load;

/// <summary>Checks from outside, by the API and by the cloud's own list, that what a load was told has come true and nothing else has.</summary>
/// <param name="load">What was told.</param>
/// <param name="calls">Whom to ask, as an operator.</param>
internal sealed class Audit(LaunchLoad load, CallInvoker calls)
{
    private const int Page = 1000;

    private readonly Instances.InstancesClient _instances = new(calls);
    private readonly Accounts.AccountsClient _accounts = new(calls);

    /// <summary>
    /// Waits until nothing is on its way any more and then holds INV-01 to INV-05 against the API: every acknowledged command, every timeline,
    /// the ledger. What it returns is for <see cref="CloudAsync"/>.
    /// </summary>
    /// <param name="output">Added to the message when it does not settle.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<List<Instance>> ApiAsync(Func<string> output, CancellationToken cancellation)
    {
        var instances = await SettledAsync(output, cancellation);
        Acknowledged(instances);
        await TimelinesAsync(instances, cancellation);
        await LedgerAsync(instances, cancellation);
        return instances;
    }

    /// <summary>The cloud's own list, read without the scheduler: exactly what runs, nothing else. No scheduler may run meanwhile.</summary>
    /// <param name="journal">The cloud's memory.</param>
    /// <param name="instances">All instances there are.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task CloudAsync(string journal, List<Instance> instances, CancellationToken cancellation)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Providers:Simulated:StatePath"] = journal,
                    ["Providers:Simulated:ServeRuntime"] = "false",
                }
            )
            .Build();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddHttpClient()
            .AddProviders(configuration, (gpu, gib, type) => GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name)
            .BuildServiceProvider();
        var held = new List<string>();
        foreach (var provider in services.GetServices<IProvider>())
        {
            held.AddRange(
                (await provider.ListAllocationsAsync("local", cancellation)).Select(a => a.Tag.Instance.Value)
            );
        }

        var running = instances.Where(i => i.State == InstanceState.Running).Select(i => i.Name.Split('/')[^1]);
        Assert.Equal(running.Order(StringComparer.Ordinal), held.Order(StringComparer.Ordinal));
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
                TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(90),
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

    private void Acknowledged(List<Instance> instances)
    {
        var byName = instances.ToDictionary(i => i.Name);
        foreach (var (name, command) in load.LastAcknowledged)
        {
            Assert.True(byName.ContainsKey(name), $"{name} was acknowledged and is gone.");
            InstanceState[] promised = command switch
            {
                // A start after the acknowledged create may have been recorded without its answer arriving.
                "create" => [InstanceState.Stopped, InstanceState.Running],
                "start" => [InstanceState.Running],
                "start?" => [InstanceState.Running, InstanceState.Stopped],
                _ => [InstanceState.Stopped],
            };
            Assert.True(
                promised.Contains(byName[name].State),
                $"{name}: {command} was acknowledged, but it is {byName[name]}"
            );
        }
    }

    private async Task TimelinesAsync(List<Instance> instances, CancellationToken cancellation)
    {
        foreach (var instance in instances)
        {
            var page = await _instances.ListInstanceEventsAsync(
                new ListInstanceEventsRequest { Parent = instance.Name, PageSize = Page },
                cancellationToken: cancellation
            );
            Assert.Equal(
                Enumerable.Range(1, page.Events.Count).Select(i => (long)i),
                page.Events.Select(e => e.Sequence)
            );
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
        }
    }

    private async Task LedgerAsync(List<Instance> instances, CancellationToken cancellation)
    {
        var entries = new List<LedgerEntry>();
        var token = "";
        do
        {
            var page = await _accounts.ListLedgerEntriesAsync(
                new ListLedgerEntriesRequest
                {
                    Parent = load.Account,
                    PageSize = Page,
                    PageToken = token,
                },
                cancellationToken: cancellation
            );
            entries.AddRange(page.Entries);
            token = page.NextPageToken;
        } while (token.Length > 0);
        var account = await _accounts.GetAccountAsync(
            new GetAccountRequest { Name = load.Account },
            cancellationToken: cancellation
        );
        Assert.Equal(entries.Count, entries.Select(e => e.Key).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(account.BalanceMicroEur, entries.Sum(e => e.AmountMicroEur));
        Assert.True(entries.Where(e => e.Kind == LedgerEntryKind.TopUp).Sum(e => e.AmountMicroEur) >= load.TopUps);
        var billed = entries
            .Where(e => e.Kind == LedgerEntryKind.Usage)
            .GroupBy(e => e.Instance, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Sum(e => e.Seconds), StringComparer.Ordinal);
        foreach (var ended in instances.Where(i => i.State == InstanceState.Stopped && i.RunningUntil is not null))
        {
            var ran = ended.RunningUntil.ToDateTimeOffset() - ended.RunningSince.ToDateTimeOffset();
            Assert.Equal((long)ran.TotalSeconds, billed.GetValueOrDefault(ended.Name));
        }

        Assert.Equal(instances.Count(i => i.State == InstanceState.Running), account.RunningInstances);
    }
}
