using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Api.V1;
using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Providers;
using Scheduler.TestKit;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;

namespace Scheduler.SystemTests;

/// <summary>
/// A real process, killed with <c>kill -9</c> at random moments under load, at least fifty times. Whatever it had acknowledged must come true
/// (INV-03); afterwards the invariants are checked from outside: by the API, and by the cloud's own list.
/// </summary>
public sealed class KillTests
{
    private const int Kills = 50;
    private const int Clients = 6;
    private const string Account = "accounts/acct-kill";

    /// <summary>What one client was told about its instances.</summary>
    private sealed class Told
    {
        public ConcurrentDictionary<string, string> LastAcknowledged { get; } = new();

        public long TopUps;

        public int Commands;
    }

    [Fact]
    public async Task Acknowledged_commands_survive_fifty_kills_at_random_moments_INV_01_to_05()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var seed = Environment.GetEnvironmentVariable("KILL_SEED") is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"KILL_SEED={seed}");
        TestContext.Current.TestOutputHelper?.WriteLine($"KILL_SEED={seed}");
        var random = new Random(seed);
        var cloud = Path.Combine(Directory.CreateTempSubdirectory("cloud-").FullName, "cloud.journal");
        await using var scheduler = new SchedulerProcess(
            null,
            [
                $"--Providers:Simulated:StatePath={cloud}",
                "--Providers:Simulated:AllocateLatency=00:00:00.020",
                "--Providers:Simulated:BootTime=00:00:00.050",
                "--Providers:Simulated:ReleaseTime=00:00:00.020",
                "--Providers:Simulated:ServeRuntime=false",
                "--Providers:Simulated:CapacityPerOffer=1000000",
                "--Scheduler:Launch:ProbeEvery=00:00:00.050",
                "--Scheduler:Launch:DebtRetry=00:00:00.050",
            ]
        );
        await scheduler.StartAsync(cancellation);
        var told = new Told();
        await OpenAccountAsync(scheduler, told, cancellation);
        for (var kill = 0; kill < Kills; kill++)
        {
            using var load = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var seeds = Enumerable.Range(0, Clients).Select(_ => random.Next()).ToArray();
            var clients = seeds
                .Select((s, i) => WorkAsync(scheduler, new Random(s), $"{kill}-{i}", told, load.Token))
                .ToArray();
            await LoadedAsync(told, random, cancellation);
            await scheduler.KillAsync();
            await load.CancelAsync();
            await Task.WhenAll(clients);
            await scheduler.StartAsync(cancellation);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{told.Commands} commands acknowledged, {told.LastAcknowledged.Count} instances, {Kills} kills"
        );
        Assert.True(told.Commands > 5 * Kills, $"Only {told.Commands} commands were acknowledged: that is no load.");
        var instances = await SettledAsync(scheduler, cancellation);
        AssertAcknowledged(told, instances);
        await AssertTimelinesAsync(scheduler, instances, cancellation);
        await AssertLedgerAsync(scheduler, told, instances, cancellation);
        await scheduler.KillAsync();
        await AssertCloudAsync(cloud, instances, cancellation);
    }

    /// <summary>
    /// Lets some commands through and then a random moment pass. One round in five is killed by time alone, which may be before anything was
    /// served.
    /// </summary>
    private static async Task LoadedAsync(Told told, Random random, CancellationToken cancellation)
    {
        var enough = Volatile.Read(ref told.Commands) + (random.Next(5) == 0 ? 0 : random.Next(1, 60));
        var began = TimeProvider.System.GetTimestamp();
        while (
            Volatile.Read(ref told.Commands) < enough
            && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(10)
        )
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellation);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 120)), TimeProvider.System, cancellation);
    }

    private static async Task OpenAccountAsync(SchedulerProcess scheduler, Told told, CancellationToken cancellation)
    {
        var accounts = new Accounts.AccountsClient(scheduler.Channel);
        await accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = "acct-kill", DisplayName = "kill" },
            scheduler.Auth,
            cancellationToken: cancellation
        );
        await TopUpAsync(accounts, scheduler, "first", 100_000_000_000, told, cancellation);
    }

    private static async Task TopUpAsync(
        Accounts.AccountsClient accounts,
        SchedulerProcess scheduler,
        string reference,
        long amount,
        Told told,
        CancellationToken cancellation
    )
    {
        await accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = Account,
                AmountMicroEur = amount,
                Reference = reference,
            },
            scheduler.Auth,
            cancellationToken: cancellation
        );
        Interlocked.Add(ref told.TopUps, amount);
        Interlocked.Increment(ref told.Commands);
    }

    /// <summary>Creates, starts, stops, deletes and tops up until the process is gone; each acknowledgement is noted.</summary>
    private static async Task WorkAsync(
        SchedulerProcess scheduler,
        Random random,
        string name,
        Told told,
        CancellationToken cancellation
    )
    {
        var instances = new Instances.InstancesClient(scheduler.Channel);
        var accounts = new Accounts.AccountsClient(scheduler.Channel);
        try
        {
            for (var i = 0; ; i++)
            {
                var created = await instances.CreateInstanceAsync(
                    new CreateInstanceRequest
                    {
                        Parent = Account,
                        ServingName = $"k-{name}-{i}",
                        RequestId = $"k-{name}-{i}",
                        Spec = new Api.V1.LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 2048 },
                    },
                    scheduler.Auth,
                    cancellationToken: cancellation
                );
                Acknowledge(told, created.Name, "create");
                await instances.StartInstanceAsync(
                    new StartInstanceRequest { Name = created.Name },
                    scheduler.Auth,
                    cancellationToken: cancellation
                );
                Acknowledge(told, created.Name, "start");
                if (random.Next(3) == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(150)), TimeProvider.System, cancellation);
                    // From here on the stop may have been recorded whether or not its answer arrives.
                    told.LastAcknowledged[created.Name] = "start?";
                    await instances.StopInstanceAsync(
                        new StopInstanceRequest { Name = created.Name },
                        scheduler.Auth,
                        cancellationToken: cancellation
                    );
                    Acknowledge(told, created.Name, "stop");
                }

                if (random.Next(5) == 0)
                {
                    await TopUpAsync(accounts, scheduler, $"t-{name}-{i}", 1_000_000, told, cancellation);
                }
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
        {
            // The process was killed under this call: its outcome is unknown, and nothing is promised about it.
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Killed while nothing was asked.
        }
    }

    private static void Acknowledge(Told told, string instance, string command)
    {
        told.LastAcknowledged[instance] = command;
        Interlocked.Increment(ref told.Commands);
    }

    /// <summary>Waits until nothing is on its way any more, and returns all instances.</summary>
    private static async Task<List<Instance>> SettledAsync(SchedulerProcess scheduler, CancellationToken cancellation)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var all = await ListAsync(scheduler, cancellation);
            var moving = all.Where(i =>
                    i.State
                        is Api.V1.InstanceState.Provisioning
                            or Api.V1.InstanceState.Starting
                            or Api.V1.InstanceState.Stopping
                    || i.ReleasePending
                )
                .ToList();
            if (moving.Count == 0)
            {
                return all;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(90),
                $"{moving.Count} instances are still on their way, for example {moving[0]}\n{scheduler.Output}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);
        }
    }

    private static async Task<List<Instance>> ListAsync(SchedulerProcess scheduler, CancellationToken cancellation)
    {
        var client = new Instances.InstancesClient(scheduler.Channel);
        var all = new List<Instance>();
        var token = "";
        do
        {
            var page = await client.ListInstancesAsync(
                new ListInstancesRequest
                {
                    Parent = Account,
                    PageSize = 1000,
                    PageToken = token,
                },
                scheduler.Auth,
                cancellationToken: cancellation
            );
            all.AddRange(page.Instances);
            token = page.NextPageToken;
        } while (token.Length > 0);
        return all;
    }

    private static void AssertAcknowledged(Told told, List<Instance> instances)
    {
        var byName = instances.ToDictionary(i => i.Name);
        foreach (var (name, command) in told.LastAcknowledged)
        {
            Assert.True(byName.ContainsKey(name), $"{name} was acknowledged and is gone.");
            Api.V1.InstanceState[] promised = command switch
            {
                // A start after the acknowledged create may have been recorded without its answer arriving.
                "create" => [Api.V1.InstanceState.Stopped, Api.V1.InstanceState.Running],
                "start" => [Api.V1.InstanceState.Running],
                "start?" => [Api.V1.InstanceState.Running, Api.V1.InstanceState.Stopped],
                _ => [Api.V1.InstanceState.Stopped],
            };
            Assert.True(
                promised.Contains(byName[name].State),
                $"{name}: {command} was acknowledged, but it is {byName[name]}"
            );
        }
    }

    private static async Task AssertTimelinesAsync(
        SchedulerProcess scheduler,
        List<Instance> instances,
        CancellationToken cancellation
    )
    {
        var client = new Instances.InstancesClient(scheduler.Channel);
        foreach (var instance in instances)
        {
            var page = await client.ListInstanceEventsAsync(
                new ListInstanceEventsRequest { Parent = instance.Name, PageSize = 1000 },
                scheduler.Auth,
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

    private static async Task AssertLedgerAsync(
        SchedulerProcess scheduler,
        Told told,
        List<Instance> instances,
        CancellationToken cancellation
    )
    {
        var client = new Accounts.AccountsClient(scheduler.Channel);
        var entries = new List<LedgerEntry>();
        var token = "";
        do
        {
            var page = await client.ListLedgerEntriesAsync(
                new ListLedgerEntriesRequest
                {
                    Parent = Account,
                    PageSize = 1000,
                    PageToken = token,
                },
                scheduler.Auth,
                cancellationToken: cancellation
            );
            entries.AddRange(page.Entries);
            token = page.NextPageToken;
        } while (token.Length > 0);
        var account = await client.GetAccountAsync(
            new GetAccountRequest { Name = Account },
            scheduler.Auth,
            cancellationToken: cancellation
        );
        Assert.Equal(entries.Count, entries.Select(e => e.Key).Distinct().Count());
        Assert.Equal(account.BalanceMicroEur, entries.Sum(e => e.AmountMicroEur));
        Assert.True(entries.Where(e => e.Kind == LedgerEntryKind.TopUp).Sum(e => e.AmountMicroEur) >= told.TopUps);
        var billed = entries
            .Where(e => e.Kind == LedgerEntryKind.Usage)
            .GroupBy(e => e.Instance)
            .ToDictionary(g => g.Key, g => g.Sum(e => e.Seconds));
        foreach (
            var ended in instances.Where(i => i.State == Api.V1.InstanceState.Stopped && i.RunningUntil is not null)
        )
        {
            var ran = ended.RunningUntil.ToDateTimeOffset() - ended.RunningSince.ToDateTimeOffset();
            Assert.Equal((long)ran.TotalSeconds, billed.GetValueOrDefault(ended.Name));
        }

        Assert.Equal(instances.Count(i => i.State == Api.V1.InstanceState.Running), account.RunningInstances);
    }

    /// <summary>The cloud's own list, read without the scheduler: exactly what runs, nothing else.</summary>
    private static async Task AssertCloudAsync(string cloud, List<Instance> instances, CancellationToken cancellation)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(
                new Dictionary<string, string?>
                {
                    ["Providers:Simulated:StatePath"] = cloud,
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

        var running = instances.Where(i => i.State == Api.V1.InstanceState.Running).Select(i => i.Name.Split('/')[^1]);
        Assert.Equal(running.Order(StringComparer.Ordinal), held.Order(StringComparer.Ordinal));
    }
}
