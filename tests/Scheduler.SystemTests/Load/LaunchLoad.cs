using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Clients of one account that create, start, stop and top up, with the acknowledgements they received. <see
/// cref="Audit"/> compares the scheduler with them, whatever happened to its processes.
/// </summary>
/// <param name="id">The account's id, <c>acct-…</c>.</param>
internal sealed partial class LaunchLoad(string id)
{
    private int _commands;

    /// <summary>
    /// Settings of a market on which a launch takes 0.1 s, so that launches are in progress at any moment.
    /// </summary>
    public static string[] QuickMarket { get; } =
    [
        "--Providers:Simulated:AllocateLatency=00:00:00.020",
        "--Providers:Simulated:BootTime=00:00:00.050",
        "--Providers:Simulated:ReleaseTime=00:00:00.020",
        "--Providers:Simulated:ServeRuntime=false",
        "--Providers:Simulated:CapacityPerOffer=1000000",
        "--Scheduler:Launch:ProbeEvery=00:00:00.050",
        "--Scheduler:Launch:DebtRetry=00:00:00.050",
    ];

    /// <summary>Some launches find no offer; some answers are late, duplicated or missing.</summary>
    public static string[] UnreliableMarket { get; } =
    [
        .. QuickMarket,
        "--Providers:Simulated:Faults:0:Probability=0.05",
        "--Providers:Simulated:Faults:0:Seed=1",
        "--Providers:Simulated:Faults:0:OutOfStock=true",
        "--Providers:Simulated:Faults:1:Probability=0.1",
        "--Providers:Simulated:Faults:1:Seed=2",
        "--Providers:Simulated:Faults:1:FailAfterEffect=true",
        "--Providers:Simulated:Faults:2:Probability=0.1",
        "--Providers:Simulated:Faults:2:Seed=3",
        "--Providers:Simulated:Faults:2:AnswerTwice=true",
        "--Providers:Simulated:Faults:3:Probability=0.1",
        "--Providers:Simulated:Faults:3:Seed=4",
        "--Providers:Simulated:Faults:3:AnswerLate=00:00:00.300",
        // The test covers how a launch handles a lack of stock, not the stock of single routes.
        "--Scheduler:Launch:RouteCooldown=00:00:01",
        "--Scheduler:Providers:BreakerFailures=1000",
    ];

    /// <summary>Resource name <c>accounts/acct-…</c>.</summary>
    public string Account => $"accounts/{id}";

    /// <summary>
    /// The last acknowledged command by instance: <c>create</c>, <c>start</c>, <c>stop</c>, <c>delete</c>, or
    /// <c>refused</c> for a start that failed with a reason. A question mark marks the command before one whose answer
    /// is unknown; that one may have been recorded.
    /// </summary>
    public ConcurrentDictionary<string, string> LastAcknowledged { get; } = new(StringComparer.Ordinal);

    /// <summary>Codes that a launch of this load may fail with; empty on a market without failures.</summary>
    public IReadOnlySet<string> Failures { get; init; } = new HashSet<string>();

    /// <summary>Acknowledged top-ups in micro-EUR by reference.</summary>
    public ConcurrentDictionary<string, long> TopUps { get; } = new(StringComparer.Ordinal);

    public int Commands => Volatile.Read(ref _commands);

    /// <summary>
    /// The seed in <c>SCHEDULER_SEED</c>, or a new one. It is printed, so that a failed run can be repeated.
    /// </summary>
    public static int Seed()
    {
        const string variable = "SCHEDULER_SEED";
        var seed = Environment.GetEnvironmentVariable(variable) is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        TestContext.Current.SendDiagnosticMessage($"{variable}={seed}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{variable}={seed}");
        return seed;
    }

    /// <summary>Creates the account and tops it up.</summary>
    /// <param name="microEur">By default more than any load spends.</param>
    public async Task OpenAccountAsync(
        CallInvoker calls,
        CancellationToken cancellation,
        long microEur = 100_000_000_000
    )
    {
        var accounts = new Accounts.AccountsClient(calls);
        await accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = id, DisplayName = id },
            cancellationToken: cancellation
        );
        await TopUpAsync(accounts, "first", microEur, cancellation);
    }

    /// <summary>
    /// Works until it is ended, and then finishes the current command: an aborted command may still take effect, which
    /// would make the expected state unknown. Records every acknowledgement and throws any other answer as its
    /// exception.
    /// </summary>
    /// <param name="name">Unique among the clients of the account.</param>
    /// <param name="end">Ends the work.</param>
    public async Task WorkAsync(CallInvoker calls, Random random, string name, CancellationToken end)
    {
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            await LaunchAsync(calls, random, $"{name}-{i}", TestContext.Current.CancellationToken);
        }
    }

    /// <summary>As <see cref="WorkAsync"/>, for a process that will be killed: ends when no process answers.</summary>
    public async Task WorkUntilKilledAsync(CallInvoker calls, Random random, string name, CancellationToken end)
    {
        try
        {
            await WorkAsync(calls, random, name, end);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled)
        {
            // The process was killed during this call: the outcome is unknown, and the load expects nothing of it.
        }
    }

    /// <summary>Waits for a number of further acknowledged commands; false on a timeout.</summary>
    public async Task<bool> LetThroughAsync(int more, TimeSpan longest, CancellationToken cancellation)
    {
        var enough = Commands + more;
        var began = TimeProvider.System.GetTimestamp();
        while (Commands < enough)
        {
            if (TimeProvider.System.GetElapsedTime(began) > longest)
            {
                return false;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellation);
        }

        return true;
    }

    private async Task LaunchAsync(CallInvoker calls, Random random, string name, CancellationToken cancellation)
    {
        var instances = new Instances.InstancesClient(calls);
        var created = await instances.CreateInstanceAsync(
            new CreateInstanceRequest
            {
                Parent = Account,
                ServingName = $"k-{name}",
                RequestId = $"k-{name}",
                Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 2048 },
            },
            cancellationToken: cancellation
        );
        Acknowledge(created.Name, "create");
        await instances.StartInstanceAsync(
            new StartInstanceRequest { Name = created.Name, RequestId = $"s-{name}" },
            cancellationToken: cancellation
        );
        Acknowledge(created.Name, "start");
        if (random.Next(3) == 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(150)), TimeProvider.System, cancellation);
            // From here on the stop may have been recorded whether or not its answer arrives.
            LastAcknowledged[created.Name] = "start?";
            await instances.StopInstanceAsync(
                new StopInstanceRequest { Name = created.Name, RequestId = $"e-{name}" },
                cancellationToken: cancellation
            );
            Acknowledge(created.Name, "stop");
        }

        if (random.Next(5) == 0)
        {
            await TopUpAsync(new Accounts.AccountsClient(calls), $"t-{name}", 1_000_000, cancellation);
        }
    }

    private async Task TopUpAsync(
        Accounts.AccountsClient accounts,
        string reference,
        long amount,
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
            cancellationToken: cancellation
        );
        TopUps[reference] = amount;
        Interlocked.Increment(ref _commands);
    }

    private void Acknowledge(string instance, string command)
    {
        LastAcknowledged[instance] = command;
        Interlocked.Increment(ref _commands);
    }
}
