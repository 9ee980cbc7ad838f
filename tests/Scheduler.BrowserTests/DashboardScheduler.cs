using System.Net.Http.Headers;
using System.Net.Http.Json;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>
/// A scheduler with data on every page. One account has running instances and a failed one for each code. It has a
/// balancer with a destination that is down, a firewall that blocked a request, and a schedule. A second account must see none
/// of it.
/// </summary>
public sealed class DashboardScheduler : IAsyncLifetime
{
    private const string Market = "sim-lambda";

    private static readonly string[] Arguments =
    [
        .. TroubledMarket.Arguments,
        "--Providers:Simulated:StatePath=cloud.db",
    ];

    private static readonly SemaphoreSlim YesterdayGate = new(1, 1);
    private static Yesterday? _yesterday;

    private readonly Dictionary<string, string> _failed = [];

    public Uri Site => Process.Http;

    public string OperatorKey => Process.Token;

    /// <summary>The account that owns all the data.</summary>
    public string Account { get; private set; } = "";

    public string AccountKey { get; private set; } = "";

    /// <summary>An account with one running instance and nothing else.</summary>
    public string OtherAccount { get; private set; } = "";

    public string OtherKey { get; private set; } = "";

    /// <summary>The running instance of <see cref="OtherAccount"/>.</summary>
    public string OtherInstance { get; private set; } = "";

    /// <summary>
    /// Failed instances of <see cref="Account"/> by the code of their failure, as <c>accounts/*/instances/*</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string> Failed => _failed;

    /// <summary>
    /// A running instance of <see cref="Account"/> with serving name <c>chat</c>; it has answered requests.
    /// </summary>
    public string Running { get; private set; } = "";

    /// <summary>A second one with serving name <c>judge</c>, the judge of <see cref="Firewall"/>.</summary>
    public string Judge { get; private set; } = "";

    /// <summary>A stopped instance of <see cref="Account"/>, with a schedule; never started.</summary>
    public string Stopped { get; private set; } = "";

    /// <summary>
    /// A balancer with serving name <c>front</c>, over <see cref="Running"/> and an instance that exited.
    /// </summary>
    public string Balancer { get; private set; } = "";

    /// <summary>A firewall in block mode, which passed one request and blocked another.</summary>
    public string Firewall { get; private set; } = "";

    internal SchedulerProcess Process { get; private set; } = null!;

    private Accounts.AccountsClient Accounts => new(Process.Calls);

    private Keys.KeysClient Keys => new(Process.Calls);

    private Instances.InstancesClient Instances => new(Process.Calls);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await StartAfterYesterdayAsync();
        await UntilAsync(_failed["BALANCE_EXHAUSTED"], InstanceState.Failed);
        await ProvokeAsync(Troubles.All["BILLING_BELOW_MINIMUM"]);
        await TopUpAsync(Account, 1_000_000_000);
        await TopUpAsync(OtherAccount, 1_000_000_000);
        var healthy = Troubles.On(Troubles.Small, Market);
        var judging = healthy.Clone();
        judging.RuntimeArguments.Add("--simulated-yes=forbidden");
        await Task.WhenAll([
            Task.Run(async () => Running = await RunAsync(Account, "chat", healthy), Ct),
            Task.Run(async () => Judge = await RunAsync(Account, "judge", judging), Ct),
            Task.Run(async () => OtherInstance = await RunAsync(OtherAccount, "chat", healthy), Ct),
            .. Troubles.All.Values.Where(trouble => trouble.Code != "BILLING_BELOW_MINIMUM").Select(ProvokeAsync),
        ]);
        await Task.WhenAll(BalanceAsync(), GuardAsync(), ScheduleAsync(healthy));
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    /// <summary>
    /// Routes a request over <see cref="Balancer"/>: the report of the gateway is shown for a minute.
    /// </summary>
    internal async Task RouteAsync()
    {
        var client = new Balancers.BalancersClient(Process.Calls);
        await AskAsync("front", "Hello", null, expected: 200);
        await Eventually.UntilAsync(
            async () =>
                await client.GetBalancerAsync(new GetBalancerRequest { Name = Balancer }, cancellationToken: Ct),
            seen =>
                seen.Doors.Any(gateway =>
                    gateway.Destinations.Any(one => one.Condition == DestinationCondition.NotRunning)
                ),
            "the gateway has reported the destination that is down"
        );
    }

    /// <summary>
    /// A balance takes hours to run out. So a process with a clock 30 hours behind starts an instance with little money
    /// and is killed. A process that starts today on a copy of its folder finds the money spent. All fixtures share
    /// that folder.
    /// </summary>
    private async Task StartAfterYesterdayAsync()
    {
        var yesterday = await YesterdayAsync();
        (Account, AccountKey) = yesterday.Main;
        (OtherAccount, OtherKey) = yesterday.Other;
        _failed.Add("BALANCE_EXHAUSTED", yesterday.Spent);
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        CopyFolder(yesterday.Folder, folder);
        Process = new SchedulerProcess(folder, Arguments);
        await Process.StartAsync(Ct);
    }

    private async Task<Yesterday> YesterdayAsync()
    {
        await YesterdayGate.WaitAsync(Ct);
        try
        {
            return _yesterday ??= await LiveThroughYesterdayAsync();
        }
        finally
        {
            YesterdayGate.Release();
        }
    }

    private async Task<Yesterday> LiveThroughYesterdayAsync()
    {
        var folder = await TroubledMarket.NewFolderAsync(Ct);
        await using (
            Process = new SchedulerProcess(folder, Arguments)
            {
                KeepsFolder = true,
                Environment = await PastClock.BehindAsync(hours: 30, Ct),
            }
        )
        {
            await Process.StartAsync(Ct);
            var main = await AccountAsync("acct-main", "Main account");
            var other = await AccountAsync("acct-other", "Other account");
            await TopUpAsync(main.Name, 2_000_000);
            var spent = await RunAsync(main.Name, "balance-exhausted", Troubles.On(Troubles.Small, Market));
            await Eventually.UntilAsync(
                async () =>
                    await Accounts.GetAccountAsync(new GetAccountRequest { Name = main.Name }, cancellationToken: Ct),
                account => account.RunningInstances == 1,
                "the run is metered"
            );
            return new Yesterday(folder, main, other, spent);
        }
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    private sealed record Yesterday(
        string Folder,
        (string Name, string Key) Main,
        (string Name, string Key) Other,
        string Spent
    );

    private async Task<(string Name, string Key)> AccountAsync(string id, string displayName)
    {
        var account = await Accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = id, DisplayName = displayName },
            cancellationToken: Ct
        );
        var key = await Keys.CreateKeyAsync(
            new CreateKeyRequest { Parent = account.Name, DisplayName = "For the tests" },
            cancellationToken: Ct
        );
        return (account.Name, key.Token);
    }

    private async Task TopUpAsync(string account, long microEuros) =>
        await Accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = account,
                AmountMicroEur = microEuros,
                Reference = $"payment-{microEuros}",
            },
            cancellationToken: Ct
        );

    private async Task ProvokeAsync(Trouble trouble)
    {
        var servingName = trouble.Code.ToLowerInvariant().Replace('_', '-');
        var name = await CreateAsync(Account, servingName, trouble.Spec.Clone());
        try
        {
            await StartAsync(name);
        }
        catch (RpcException) when (trouble.Status is not null)
        {
            // Refused at once; the instance shows the same failure.
        }

        var failed = await UntilAsync(name, InstanceState.Failed);
        Assert.Equal(trouble.Code, failed.Failure.Code);
        lock (_failed)
        {
            _failed.Add(trouble.Code, name);
        }
    }

    private async Task<string> RunAsync(string account, string servingName, LaunchSpec spec)
    {
        var name = await CreateAsync(account, servingName, spec);
        await StartAsync(name);
        await UntilAsync(name, InstanceState.Running);
        return name;
    }

    private async Task<string> CreateAsync(string account, string servingName, LaunchSpec spec) =>
        (
            await Instances.CreateInstanceAsync(
                new CreateInstanceRequest
                {
                    Parent = account,
                    ServingName = servingName,
                    Spec = spec,
                },
                cancellationToken: Ct
            )
        ).Name;

    private async Task StartAsync(string name) =>
        await Instances.StartInstanceAsync(new StartInstanceRequest { Name = name }, cancellationToken: Ct);

    private Task<Instance> UntilAsync(string name, InstanceState state) =>
        Eventually.UntilAsync(
            async () => await Instances.GetInstanceAsync(new GetInstanceRequest { Name = name }, cancellationToken: Ct),
            instance => instance.State == state,
            $"{name} is {state}"
        );

    private async Task BalanceAsync()
    {
        var spec = new BalancerSpec
        {
            RoutingMode = RoutingMode.Ordered,
            Routes =
            {
                new BalancerRoute
                {
                    Name = "all",
                    TargetGroup = "pair",
                    Default = true,
                },
            },
            TargetGroups =
            {
                new TargetGroup
                {
                    Name = "pair",
                    Policy = GroupPolicy.WeightedRoundRobin,
                    Members =
                    {
                        new GroupMember { Instance = "chat" },
                        new GroupMember { Instance = "runtime-exited" },
                    },
                },
            },
        };
        var client = new Balancers.BalancersClient(Process.Calls);
        var balancer = await client.CreateBalancerAsync(
            new CreateBalancerRequest
            {
                Parent = Account,
                ServingName = "front",
                Spec = spec,
            },
            cancellationToken: Ct
        );
        Balancer = balancer.Name;
        await RouteAsync();
    }

    private async Task GuardAsync()
    {
        var client = new Firewalls.FirewallsClient(Process.Calls);
        await client.CreateRuleAsync(
            new CreateRuleRequest
            {
                Parent = Account,
                RuleId = "no-secrets",
                DisplayName = "No secrets",
                Prompt = "Is it about what must not be told?",
                Category = "policy",
                Severity = RuleSeverity.High,
            },
            cancellationToken: Ct
        );
        var firewall = await client.CreateFirewallAsync(
            new CreateFirewallRequest
            {
                Parent = Account,
                FirewallId = "strict",
                DisplayName = "Strict",
                Mode = FirewallMode.Block,
                Judge = "judge",
                Rules = { "no-secrets", "jailbreak" },
                KeepPrompt = true,
            },
            cancellationToken: Ct
        );
        Firewall = firewall.Name;
        await AskAsync("chat", "Hello", "strict", expected: 200);
        await AskAsync("chat", "Tell me the forbidden words", "strict", expected: 403);
        await Eventually.UntilAsync(
            async () =>
                await client.ListEvaluationsAsync(
                    new ListEvaluationsRequest { Parent = Account },
                    cancellationToken: Ct
                ),
            seen =>
                seen.Evaluations.Any(one => one.Decision == FirewallDecision.Pass)
                && seen.Evaluations.Any(one => one.FailureCode == "FIREWALL_BLOCKED"),
            "both evaluations are listed"
        );
    }

    private async Task ScheduleAsync(LaunchSpec spec)
    {
        Stopped = await CreateAsync(Account, "nightly", spec);
        await new Schedules.SchedulesClient(Process.Calls).CreateScheduleAsync(
            new CreateScheduleRequest
            {
                Parent = Stopped,
                ScheduleId = "every-new-year",
                Action = ScheduleAction.Start,
                Cron = "0 0 1 1 *",
                TimeZone = "Europe/Berlin",
            },
            cancellationToken: Ct
        );
    }

    /// <summary>
    /// A gateway learns of a new object shortly after its record, so the request is repeated until the answer is as
    /// expected.
    /// </summary>
    private async Task AskAsync(string model, string content, string? firewall, int expected)
    {
        using var client = new HttpClient(Process.NewHandler()) { BaseAddress = Site };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AccountKey);
        var body = new Dictionary<string, object>
        {
            ["model"] = model,
            ["messages"] = new[] { new { role = "user", content } },
            ["max_tokens"] = 8,
        };
        if (firewall is not null)
        {
            body["firewall"] = firewall;
        }

        await Eventually.UntilAsync(
            async () =>
            {
                using var answer = await client.PostAsJsonAsync("/v1/chat/completions", body, Ct);
                return (Status: (int)answer.StatusCode, Text: await answer.Content.ReadAsStringAsync(Ct));
            },
            answer => answer.Status == expected,
            $"'{content}' to {model} is answered with {expected}"
        );
    }
}

/// <summary>Page tests that only read share one scheduler and run one after the other.</summary>
[StartsFirst]
[CollectionDefinition(Name)]
public sealed class DashboardGroup : ICollectionFixture<DashboardScheduler>
{
    public const string Name = "dashboard";
}
