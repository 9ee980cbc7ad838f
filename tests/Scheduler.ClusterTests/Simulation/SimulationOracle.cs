using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Storage;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>Checks every write and every provider call at once and reports violations of INV-01 to INV-07.</summary>
internal sealed partial class SimulationOracle(SimulatedWorld world)
{
    /// <summary>Possible cost of a run between the decision on a hold and its write.</summary>
    private static readonly MicroEuro Tolerance = new(50_000);

    /// <summary>Most time from a decision to its write: the decision may ask a provider, and the write may be slow.</summary>
    private static readonly TimeSpan LongestDecision = TimeSpan.FromMinutes(2);

    private readonly Dictionary<AllocationKey, AllocationIntent> _intents = [];
    private readonly Dictionary<InstanceId, (int Run, MicroEuro Hold)> _holds = [];

    public List<UnreliableProvider> Providers { get; } = [];

    public static MicroEuro SumOf(IEnumerable<LedgerEntry> entries) =>
        entries.Aggregate(MicroEuro.Zero, (sum, entry) => sum + entry.Amount);

    /// <summary>A state in one line.</summary>
    public static string Sum(IStoredState state) =>
        state switch
        {
            InstanceRecord i =>
                $"{i.State} {i.Intent?.Key} owes {string.Join(',', i.PendingCleanups.Select(d => $"{d.Kind}{d.Key}{d.Run}"))}",
            AccountRecord a =>
                $"{a.Balance} [{string.Join(' ', a.ChangedTabs.Select(t => $"{t.Instance}/{t.Run} hold {t.Hold} since {t.MeterSince:mm:ss} billed {t.BilledSeconds}{(t.Closed ? " closed" : "")}"))}]",
            _ => "",
        };

    /// <summary>A call for capacity must match the stored record exactly.</summary>
    public void Asked(UnreliableProvider provider, AllocationRequest request) =>
        world.Require(
            _intents.GetValueOrDefault(request.Key) is { } intent
                && intent.Offer == request.Offer
                && intent.Offer.Provider == provider.Id,
            $"INV-01: {provider.Id} is asked for {request.Key} ({request.Offer.Route}), which differs from the record"
        );

    public void Wrote(string id, IStoredState? before, IStoredState after, SimulatedStore store)
    {
        if (after is InstanceRecord instance)
        {
            WroteInstance((before as InstanceRecord)?.State, instance);
        }
        else if (after is AccountRecord account)
        {
            WroteAccount(new AccountId(id), account, store);
        }
    }

    private void WroteInstance(InstanceState? before, InstanceRecord after)
    {
        var state = before ?? InstanceState.Stopped;
        foreach (var happened in after.Events.Where(e => e.From is not null))
        {
            world.Require(
                happened.From == state.ToString()
                    && InstanceLifecycle.TryNext(state, Enum.Parse<InstanceTrigger>(happened.Trigger), out state)
                    && happened.To == state.ToString()
                    && happened is { RequestId.Value.Length: > 0, Actor.Length: > 0, Reason.Length: > 0 },
                $"INV-04: {after.Id} tells {happened.From}→{happened.To} by {happened.Trigger}"
            );
        }

        world.Require(state == after.State, $"INV-04: {after.Id} is {after.State}, its timeline says {state}");
        if (after.Intent is { } intent)
        {
            world.Require(
                !_intents.TryGetValue(intent.Key, out var known) || known.Offer == intent.Offer,
                $"INV-01: {intent.Key} is recorded for two offers"
            );
            _intents[intent.Key] = intent;
        }

        foreach (var happened in after.Events)
        {
            world.Require(
                (happened.At - world.Now).Duration() < LongestDecision,
                $"INV-05: {after.Id} tells {happened.Trigger} at {happened.At:O}, which took place at {world.Now:O}"
            );
        }

        var mustWake =
            after.State.MayHoldAllocation() && after.State != InstanceState.Running || !after.PendingCleanups.IsEmpty;
        world.Require(
            !mustWake || after.WakeAt is not null,
            $"INV-03: {after.Id} is {after.State}, and has no wake-up"
        );
        if (after.State == InstanceState.Failed)
        {
            FailureIsTold(after);
        }

        if (!after.State.MayHoldAllocation() && after.PendingCleanups.IsEmpty)
        {
            NothingIsHeldUnknown(after);
        }
    }

    private void FailureIsTold(InstanceRecord failed) =>
        world.Require(
            failed.Failure
                is { RequestId.Value.Length: > 0, Failure: { Message.Length: > 0, Hint.Length: > 0 } failure }
                && failure.Code != FailureCode.None,
            $"INV-07: {failed.Id} failed without saying why"
        );

    /// <summary>
    /// A record without pending cleanup has had every release confirmed; only allocations that arrived later are left
    /// to the sweep.
    /// </summary>
    private void NothingIsHeldUnknown(InstanceRecord record)
    {
        foreach (var provider in Providers)
        {
            foreach (var held in provider.Held.Where(held => held.Tag.Instance == record.Id))
            {
                world.Require(
                    provider.Confirmed.TryGetValue(held.Key, out var confirmed)
                        && provider.MadeAt[held.Key] >= confirmed,
                    $"INV-01: {record.Id} is {record.State} without pending cleanup, but {provider.Id} holds {held.Key}"
                );
            }
        }
    }

    private void WroteAccount(AccountId id, AccountRecord account, SimulatedStore store)
    {
        world.Require(
            SumOf(store.Ledger(id)) == account.Balance,
            $"INV-05: {id} has {account.Balance}, its ledger {SumOf(store.Ledger(id))}"
        );
        foreach (var tab in account.ChangedTabs)
        {
            var isNew =
                tab is { MeterSince: null, Closed: false }
                && tab.Hold > MicroEuro.Zero
                && _holds.GetValueOrDefault(tab.Instance) != (tab.Run, tab.Hold);
            _holds[tab.Instance] = (tab.Run, tab.Hold);
            var left = account.Balance - Promised(store.Tabs(id));
            world.Require(
                !isNew || left >= MicroEuro.Zero - Tolerance,
                $"INV-06: {id} holds {tab.Hold} for {tab.Instance} and has {left} left"
            );
        }
    }

    /// <summary>The sum of holds and running cost, computed independently of the code under test.</summary>
    private MicroEuro Promised(IEnumerable<InstanceTab> tabs)
    {
        var sum = MicroEuro.Zero;
        foreach (var tab in tabs.Where(tab => !tab.Closed))
        {
            if (tab.MeterSince is not { } since)
            {
                sum += tab.Hold;
                continue;
            }

            var seconds = Math.Max(0, (long)(world.Now - since).TotalSeconds);
            var cost = new MicroEuro((long)((decimal)tab.PricePerHour.Value * seconds / 3600));
            var billed = new MicroEuro((long)((decimal)tab.PricePerHour.Value * tab.BilledSeconds / 3600));
            sum += cost - billed + (tab.Hold > cost ? tab.Hold - cost : MicroEuro.Zero);
        }

        return sum;
    }

    private static int RunOf(string key) => int.Parse(key.Split("-r")[^1].Split("-a")[0], CultureInfo.InvariantCulture);
}
