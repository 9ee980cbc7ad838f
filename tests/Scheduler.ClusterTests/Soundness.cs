using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests;

/// <summary>
/// Invariants that hold after the state has settled, whatever happened before; every scenario ends with this check.
/// </summary>
internal static class Soundness
{
    private static readonly InstanceState[] AnyState = Enum.GetValues<InstanceState>();

    public static async Task SoundAsync(this TestScheduler scheduler)
    {
        var page = await scheduler
            .Grains.Fleet()
            .ListInstancesAsync(new InstanceQuery { States = [.. AnyState], Limit = 1000 });
        var records = new List<InstanceRecord>();
        foreach (var listed in page.Instances)
        {
            var record = await scheduler.SeeAsync(listed.Id);
            records.Add(record);
            ListEqualsGrain(listed, record);
            var timeline = await scheduler.TimelineAsync(listed.Id);
            TimelineIsWhole(record, timeline);
            FailureIsTold(record, timeline);
        }

        AllocationsAreOwned(scheduler, records);
        await WhoWaitsIsWokenAsync(scheduler, records);
        foreach (var account in records.Select(record => record.Account).Distinct())
        {
            await MoneyAddsUpAsync(scheduler, account, records);
        }
    }

    // INV-12
    private static void ListEqualsGrain(InstanceRecord listed, InstanceRecord record)
    {
        Assert.Equal(record.State, listed.State);
        Assert.Equal(record.Generation, listed.Generation);
        Assert.Equal(record.LastSequence, listed.LastSequence);
        Assert.Equal(record.Intent?.Key, listed.Intent?.Key);
        Assert.Equal(record.Failure?.Failure.Code, listed.Failure?.Failure.Code);
        Assert.Equal(record.PendingCleanups, listed.PendingCleanups);
    }

    // INV-04
    private static void TimelineIsWhole(InstanceRecord record, IReadOnlyList<StoredEvent> timeline)
    {
        Assert.Equal(Enumerable.Range(1, timeline.Count).Select(i => (long)i), timeline.Select(e => e.Sequence));
        Assert.Equal(record.LastSequence, timeline.Count);
        Assert.Equal("Create", timeline[0].Trigger);
        var state = InstanceState.Stopped;
        foreach (var e in timeline.Skip(1))
        {
            Assert.Equal(state.ToString(), e.From);
            Assert.True(InstanceLifecycle.TryNext(state, Enum.Parse<InstanceTrigger>(e.Trigger), out state));
            Assert.Equal(state.ToString(), e.To);
            Assert.NotEmpty(e.RequestId.Value);
            Assert.NotEmpty(e.Actor);
            Assert.NotEmpty(e.Reason);
        }

        Assert.Equal(state, record.State);
    }

    // INV-07
    private static void FailureIsTold(InstanceRecord record, IReadOnlyList<StoredEvent> timeline)
    {
        if (record.State != InstanceState.Failed)
        {
            return;
        }

        var failure = record.Failure;
        Assert.NotNull(failure);
        Assert.NotEqual(FailureCode.None, failure.Failure.Code);
        Assert.NotEmpty(failure.Failure.Message);
        Assert.NotEmpty(failure.Failure.Hint);
        Assert.NotEmpty(failure.RequestId.Value);
        var failed = timeline.Last(e => e.Trigger != nameof(InstanceTrigger.Released));
        Assert.Equal(failure.Failure.Code, failed.Code);
        Assert.Equal(failure.FailedAt, failed.At);
    }

    // INV-03
    private static async Task WhoWaitsIsWokenAsync(TestScheduler scheduler, List<InstanceRecord> records)
    {
        var agenda = scheduler.Services.GetRequiredService<IAgenda>();
        var waiting = await agenda.DueAsync(
            DateTimeOffset.MaxValue,
            AgendaShare.Whole,
            int.MaxValue,
            CancellationToken.None
        );
        var woken = waiting.Where(item => item.Kind == "instance").Select(item => item.Id).ToHashSet();
        foreach (
            var record in records.Where(record =>
                !record.PendingCleanups.IsEmpty || record.State is InstanceState.Provisioning or InstanceState.Starting
            )
        )
        {
            Assert.Contains(record.Id.Value, woken);
        }
    }

    // INV-01, INV-02
    private static void AllocationsAreOwned(TestScheduler scheduler, List<InstanceRecord> records)
    {
        foreach (var provider in scheduler.Providers)
        {
            Assert.Equal(provider.Made.Distinct(), provider.Made);
            foreach (var held in provider.Held)
            {
                var owner = Assert.Single(records, record => record.Id == held.Tag.Instance);
                Assert.True(
                    (owner.State.MayHoldAllocation() && owner.Intent!.Key == held.Key)
                        || owner.PendingCleanups.Any(debt => debt.Kind == CleanupKind.Release && debt.Key == held.Key),
                    $"{provider.Id} holds {held.Key}, but {owner.Id} is {owner.State} and does not know of it."
                );
            }
        }
    }

    // INV-05
    private static async Task MoneyAddsUpAsync(TestScheduler scheduler, AccountId account, List<InstanceRecord> records)
    {
        var ledger = await scheduler.LedgerAsync(account);
        var money = await scheduler.MoneyAsync(account);
        Assert.Equal(SumOf(ledger), money.Balance);
        Assert.Equal(ledger.Length, ledger.Select(entry => entry.Key).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, ledger.Length).Select(i => (long)i), ledger.Select(entry => entry.Sequence));
        foreach (
            var record in records.Where(r => r.Account == account && r.PendingCleanups.IsEmpty && !r.State.IsBilled())
        )
        {
            var spans = await RunsAsync(scheduler, record.Id);
            var billed = ledger
                .Where(entry => entry.Instance == record.Id)
                .GroupBy(entry => entry.Run)
                .OrderBy(run => run.Key)
                .Select(run => (run.Key, run.Sum(entry => entry.Seconds), SumOf(run)))
                .Where(run => run.Item2 != 0 || run.Item3 != MicroEuro.Zero);
            Assert.Equal(
                spans
                    .Where(span => span.Seconds > 0)
                    .Select(span => (span.Run, span.Seconds, MicroEuro.Zero - Usage.Cost(span.Price, span.Seconds))),
                billed
            );
        }
    }

    private static MicroEuro SumOf(IEnumerable<LedgerEntry> entries) =>
        entries.Aggregate(MicroEuro.Zero, (sum, entry) => sum + entry.Amount);

    /// <summary>The periods in <c>running</c> with their price snapshots, from the timeline.</summary>
    private static async Task<List<(int Run, long Seconds, MicroEuro Price)>> RunsAsync(
        TestScheduler scheduler,
        InstanceId id
    )
    {
        var spans = new List<(int, long, MicroEuro)>();
        var run = 0;
        var price = MicroEuro.Zero;
        DateTimeOffset? since = null;
        foreach (var e in await scheduler.TimelineAsync(id))
        {
            if (e.Data.TryGetValue("key", out var key))
            {
                run = int.Parse(key.Split("-r")[^1].Split("-a")[0], CultureInfo.InvariantCulture);
                price = Make.Euros(decimal.Parse(e.Data["price_per_hour_eur"], CultureInfo.InvariantCulture));
            }

            if (e.From == nameof(InstanceState.Running))
            {
                spans.Add((run, Usage.Seconds(since!.Value, e.At), price));
                since = null;
            }

            since = e.To == nameof(InstanceState.Running) ? e.At : since;
        }

        return spans;
    }
}
