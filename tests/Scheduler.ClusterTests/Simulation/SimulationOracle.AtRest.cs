using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>Checks after the state has settled.</summary>
internal sealed partial class SimulationOracle
{
    /// <summary>
    /// Whether the state has settled: no state waits, no cleanup is pending, and every hold belongs to a running
    /// instance.
    /// </summary>
    public bool IsAtRest(SimulatedStore store)
    {
        var records = store.All<InstanceRecord>().ToDictionary(record => record.Id);
        return records.Values.All(record =>
                record.PendingCleanups.IsEmpty
                && record.State
                    is InstanceState.Stopped
                        or InstanceState.Failed
                        or InstanceState.Deleted
                        or InstanceState.Running
            )
            // By then the sweep must have reported lost and dead machines.
            && records
                .Values.Where(record => record.State == InstanceState.Running)
                .All(record => Providers.Any(provider => provider.Serves(record.Intent!.Key)))
            && Providers.All(provider =>
                provider.Held.All(held =>
                    records.GetValueOrDefault(held.Tag.Instance) is { State: InstanceState.Running } owner
                    && owner.Intent!.Key == held.Key
                )
            )
            && store.All<AccountRecord>().All(account => TabsAgree(account.Id, store.Tabs(account.Id), records));
    }

    public void CheckAtRest(SimulatedStore store, IEnumerable<Acknowledged> acknowledged)
    {
        foreach (var record in store.All<InstanceRecord>())
        {
            var timeline = store.Timeline("instance", record.Id.Value);
            world.Require(record.LastSequence == timeline.Count, $"INV-04: {record.Id} has a gap in its timeline");
            BilledOnce(store, record);
        }

        var names = store
            .All<InstanceRecord>()
            .Where(r => r.State.HoldsServingName())
            .GroupBy(r => (r.Account, r.ServingName));
        foreach (var name in names.Where(name => name.Count() > 1))
        {
            world.Violate($"INV-11: {name.Key} is {string.Join(" and ", name.Select(record => record.Id))}");
        }

        foreach (var command in acknowledged)
        {
            world.Require(WasDone(store, command), $"INV-03: {command} was acknowledged and lost");
        }
    }

    // INV-05, INV-06: a running instance is metered; any other has no hold.
    private static bool TabsAgree(
        AccountId account,
        IEnumerable<InstanceTab> tabs,
        Dictionary<InstanceId, InstanceRecord> records
    )
    {
        var byInstance = tabs.ToDictionary(tab => tab.Instance);
        return records.Values.All(record =>
                record.Account != account
                || record.State != InstanceState.Running
                || byInstance.GetValueOrDefault(record.Id) is { MeterSince: not null, Closed: false }
            )
            && byInstance.Values.All(tab =>
                records.GetValueOrDefault(tab.Instance) is { State: InstanceState.Running }
                || (tab.Hold == MicroEuro.Zero && (tab.Closed || tab.MeterSince is null))
            );
    }

    private void BilledOnce(SimulatedStore store, InstanceRecord record)
    {
        if (record.State == InstanceState.Running)
        {
            return;
        }

        var told = Spans(store, record.Id);
        var billed = store
            .Ledger(record.Account)
            .Where(entry => entry.Instance == record.Id)
            .GroupBy(entry => entry.Run)
            .OrderBy(run => run.Key)
            .Select(run => (Run: run.Key, Seconds: run.Sum(e => e.Seconds), Cost: SumOf(run)))
            .Where(run => run.Seconds != 0 || run.Cost != MicroEuro.Zero)
            .ToList();
        var due = told.Where(span => span.Seconds > 0)
            .Select(span =>
                (span.Run, span.Seconds, Cost: new MicroEuro(-(long)((Int128)span.Price.Value * span.Seconds / 3600)))
            );
        world.Require(
            due.SequenceEqual(billed),
            $"INV-05: {record.Id} ran {string.Join(", ", due)} and was billed {string.Join(", ", billed)}"
        );
    }

    /// <summary>The periods in <c>running</c> with their price snapshots, from the timeline.</summary>
    private static List<(int Run, long Seconds, MicroEuro Price)> Spans(SimulatedStore store, InstanceId id)
    {
        var spans = new List<(int, long, MicroEuro)>();
        var (run, price, since) = (0, MicroEuro.Zero, DateTimeOffset.MinValue);
        foreach (var happened in store.Timeline("instance", id.Value))
        {
            if (happened.Data.TryGetValue("key", out var key))
            {
                run = RunOf(key);
                price = MicroEuro.CeilingFromEuros(
                    decimal.Parse(happened.Data["price_per_hour_eur"], CultureInfo.InvariantCulture)
                );
            }

            if (happened.From == nameof(InstanceState.Running))
            {
                spans.Add((run, Math.Max(0, (happened.At - since).Ticks / TimeSpan.TicksPerSecond), price));
            }

            since = happened.To == nameof(InstanceState.Running) ? happened.At : since;
        }

        return spans;
    }

    private static bool WasDone(SimulatedStore store, Acknowledged command) =>
        command.Instance is { } instance
            ? store
                .Timeline("instance", instance.Value)
                .Any(e => e.Trigger == command.Verb && command.Requests.Contains(e.RequestId))
            : store.Ledger(command.Account).Count(entry => entry.Reference == command.Reference) == 1;
}

/// <summary>A command that a client saw acknowledged.</summary>
/// <param name="Verb">As the timeline names it.</param>
/// <param name="Instance">Null for a top-up.</param>
/// <param name="Reference">Reference of the top-up.</param>
/// <param name="Requests">The request ids of all attempts.</param>
internal sealed record Acknowledged(
    string Verb,
    AccountId Account,
    InstanceId? Instance,
    string? Reference,
    IReadOnlyCollection<RequestId> Requests
);
