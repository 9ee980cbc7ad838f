using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Clients of three accounts take instances through complete lifecycles while faults happen. Every command must be
/// acknowledged in the end. The third account soon runs out of money.
/// </summary>
internal sealed class DisturbedLoads
{
    /// <summary>
    /// Longer than the longest outage and its consequences. A call that hangs in a silo is abandoned after 35 s. On a busy
    /// machine the only silo can be killed several times while it starts.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly ChaosCluster _chaos;
    private readonly Random _random;
    private readonly CancellationToken _cancellation;
    private readonly FailoverCalls _calls;
    private readonly LaunchLoad[] _loads;

    /// <summary>Concurrent clients of each account.</summary>
    public int ClientsPerAccount { get; init; } = 8;

    /// <summary>The accounts do not exist yet.</summary>
    /// <param name="cancellation">Aborts everything.</param>
    /// <param name="failures">Codes that launches may fail with, beside those of the market and of an empty account.</param>
    public DisturbedLoads(ChaosCluster chaos, Random random, CancellationToken cancellation, params string[] failures)
    {
        (_chaos, _random, _cancellation) = (chaos, random, cancellation);
        _calls = chaos.Cluster.Calls(Patience);
        string[] any = ["PROVIDER_REJECTED", .. failures];
        _loads =
        [
            NewLoad("acct-rich", any),
            NewLoad("acct-wealthy", any),
            NewLoad("acct-poor", [.. any, "BILLING_BELOW_MINIMUM"]),
        ];
    }

    /// <summary>Acknowledged commands so far.</summary>
    public int Commands => _loads.Sum(load => load.Commands);

    /// <summary>
    /// Clients work while faults happen one after the other. At the end all faults are removed, all commands are
    /// acknowledged and all silos are active.
    /// </summary>
    /// <param name="isOn">Whether a further fault happens, from the time that the faults have lasted.</param>
    /// <param name="happens">One fault.</param>
    public async Task RunAsync(Func<TimeSpan, bool> isOn, Func<Task> happens)
    {
        foreach (var load in _loads)
        {
            await load.OpenAccountAsync(_calls, _cancellation, load == _loads[^1] ? 5_000_000 : 100_000_000_000);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        var clients = _loads
            .SelectMany((load, a) => Enumerable.Range(0, ClientsPerAccount).Select(i => (load, name: $"{a}-{i}")))
            .Select(c => c.load.LiveAsync(_calls, new Random(_random.Next()), c.name, end.Token, giveUp.Token))
            .ToArray();
        var began = TimeProvider.System.GetTimestamp();
        while (isOn(TimeProvider.System.GetElapsedTime(began)) && !clients.Any(client => client.IsFaulted))
        {
            await happens();
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(2000)), TimeProvider.System, _cancellation);
        }

        var over = TimeProvider.System.GetTimestamp();
        await end.CancelAsync();
        await FinishedAsync(clients, giveUp);
        var finished = TimeProvider.System.GetElapsedTime(over);
        await _chaos.CorrectClocksAsync(_cancellation);
        await _chaos.HealedAsync();
        Tell(
            $"after {TimeProvider.System.GetElapsedTime(began, over).TotalSeconds:F0} s of faults the last command was acknowledged in {finished.TotalSeconds:F0} s; all silos were active after {TimeProvider.System.GetElapsedTime(over).TotalSeconds:F0} s"
        );
    }

    /// <summary>Waits until the state settles and checks it through the API.</summary>
    /// <returns>All instances that are not deleted.</returns>
    public async Task<List<Instance>> AuditAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        Tell(
            $"{Commands} commands acknowledged, {_loads.Sum(load => load.LastAcknowledged.Count)} instances, {_calls.Retries} retries at another silo; {_chaos.Done}"
        );
        var instances = new List<Instance>();
        foreach (var load in _loads)
        {
            instances.AddRange(await new Audit(load, _calls).ApiAsync(() => _chaos.Cluster.Output, _cancellation));
        }

        var states = instances.CountBy(i => i.State).Select(state => $"{state.Value} {state.Key}");
        Tell(
            $"{string.Join(", ", states)}; settled and audited in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F0} s"
        );
        return instances;
    }

    /// <summary>
    /// Stops every instance and checks the state again. No account holds money, the list of the cloud is empty, and the
    /// cloud's own journal agrees with the timelines. No scheduler runs afterwards.
    /// </summary>
    public async Task AuditEndAsync()
    {
        var runs = new List<Audit.Run>();
        foreach (var load in _loads)
        {
            var audit = new Audit(load, _calls);
            await audit.StopAllAsync(_cancellation);
            Assert.DoesNotContain(
                await audit.ApiAsync(() => _chaos.Cluster.Output, _cancellation),
                i => i.State == InstanceState.Running
            );
            await audit.NothingHeldAsync(_cancellation);
            runs.AddRange(audit.Runs);
        }

        await _chaos.StopSupervisingAsync();
        await _chaos.Cluster.KillAllAsync();
        await Audit.CloudAsync(_chaos.Cluster.Cloud, [], _cancellation);
        var journal = await CloudJournal.ReadAsync(_chaos.Cluster.Cloud, _cancellation);
        journal.Check(runs);
        Tell(
            $"{runs.Count} runs of {runs.Sum(run => run.Seconds)} s billed; {journal.Allocations} allocations in {journal.Lines} lines of the cloud's journal"
        );
    }

    public static void Tell(FormattableString what)
    {
        var text = FormattableString.Invariant(what);
        TestContext.Current.SendDiagnosticMessage(text);
        TestContext.Current.TestOutputHelper?.WriteLine(text);
    }

    private static LaunchLoad NewLoad(string account, string[] failures) =>
        new(account) { Failures = failures.ToHashSet(StringComparer.Ordinal) };

    /// <summary>Every client call must have succeeded or returned the reason of a failed launch.</summary>
    private async Task FinishedAsync(Task[] clients, CancellationTokenSource giveUp)
    {
        try
        {
            await foreach (var client in Task.WhenEach(clients))
            {
                await client;
            }
        }
        catch
        {
            Tell($"{_chaos.Done}\n{_chaos.Cluster.Output}");
            await giveUp.CancelAsync();
            await Task.WhenAll(clients).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }
}
