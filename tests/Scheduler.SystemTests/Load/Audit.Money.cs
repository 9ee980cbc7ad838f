using System.Globalization;
using Scheduler.Api.V1;
using Scheduler.Domain.Instances;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// Compares the account with the timelines: each run is billed once at its price, and every hold belongs to a run.
/// </summary>
internal sealed partial class Audit
{
    /// <summary>One period in <c>running</c>, taken from the timeline.</summary>
    /// <param name="Until">Null while it still runs.</param>
    /// <param name="PricePerHour">Price snapshot in micro-EUR.</param>
    internal sealed record Run(
        string Instance,
        int Number,
        DateTimeOffset Since,
        DateTimeOffset? Until,
        long PricePerHour
    )
    {
        /// <summary>Whole seconds of an ended run.</summary>
        public long Seconds => (long)((Until - Since)?.TotalSeconds ?? 0);
    }

    private static IEnumerable<Run> RunsOf(Instance instance, List<Event> events)
    {
        var (number, price) = (0, 0L);
        DateTimeOffset? since = null;
        foreach (var happened in events)
        {
            if (happened.Trigger == nameof(InstanceTrigger.OfferChosen))
            {
                number++;
                price = (long)(
                    decimal.Parse(happened.Data["price_per_hour_eur"], CultureInfo.InvariantCulture) * 1_000_000
                );
            }
            else if (happened.To == nameof(InstanceState.Running))
            {
                since = happened.Time.ToDateTimeOffset();
            }
            else if (happened.From == nameof(InstanceState.Running))
            {
                yield return new Run(instance.Name, number, since!.Value, happened.Time.ToDateTimeOffset(), price);
                since = null;
            }
        }

        Assert.Equal(instance.Run, number);
        if (since is { } still)
        {
            yield return new Run(instance.Name, number, still, null, price);
        }
    }

    private async Task MoneyAsync(List<Instance> listed, List<Run> runs, CancellationToken cancellation)
    {
        var entries = await LedgerAsync(cancellation);
        Assert.Equal(entries.Count, entries.Select(e => e.Key).Distinct(StringComparer.Ordinal).Count());
        var topUps = entries
            .Where(e => e.Kind == LedgerEntryKind.TopUp)
            .ToDictionary(e => e.Reference, e => e.AmountMicroEur, StringComparer.Ordinal);
        Assert.All(load.TopUps, told => Assert.Equal(told.Value, topUps[told.Key]));
        var usage = entries
            .Where(e => e.Kind == LedgerEntryKind.Usage)
            .ToLookup(e => (Instance: e.Instance, Number: e.Run));
        Assert.Empty(usage.Select(billed => billed.Key).Except(runs.Select(run => (run.Instance, run.Number))));
        foreach (var run in runs)
        {
            Billed(run, [.. usage[(run.Instance, run.Number)]]);
        }

        var ongoing = runs.Where(run => run.Until is null).SelectMany(run => usage[(run.Instance, run.Number)]);
        await HeldAsync(listed, -ongoing.Sum(e => e.AmountMicroEur), cancellation);
        var account = await AccountAsync(cancellation);
        Assert.Equal(account.BalanceMicroEur, entries.Sum(e => e.AmountMicroEur));
    }

    /// <summary>Each whole second of an ended run is billed once at its price (INV-05).</summary>
    private static void Billed(Run run, List<LedgerEntry> segments)
    {
        Assert.All(segments, segment => Assert.Equal(run.PricePerHour, segment.PricePerHourMicroEur));
        var billed = segments.Sum(segment => segment.Seconds);
        if (run.Until is not null)
        {
            Assert.True(run.Seconds == billed, $"{run} is billed for {billed} s.");
        }

        // A price per second is not an integer; the sum is rounded once.
        Assert.Equal(-(run.PricePerHour * billed / 3600), segments.Sum(segment => segment.AmountMicroEur));
    }

    /// <summary>
    /// The sum held equals the holds of running instances less their cost so far (INV-06). The account is notified last
    /// when a run begins or ends, so the check waits. If the process was killed between the hold and the record of a
    /// start, and no client repeats the start, the hold expires.
    /// </summary>
    /// <param name="billed">Micro-EUR in the ledger for runs that continue.</param>
    private async Task HeldAsync(List<Instance> listed, long billed, CancellationToken cancellation)
    {
        var running = listed.Where(i => i.State == InstanceState.Running).ToList();
        var held = running.Sum(i => i.Placement.HoldMicroEur);
        var unanswered = listed.Count(i =>
            i.State != InstanceState.Running && load.LastAcknowledged.GetValueOrDefault(i.Name) == "create"
        );
        var mayLapse = unanswered * running.Max(i => (long?)i.Placement.HoldMicroEur).GetValueOrDefault();
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            // All figures of one read are from the same moment.
            var account = await AccountAsync(cancellation);
            Assert.True(account.AvailableMicroEur >= 0, $"{account} holds more than it has.");
            Assert.Equal(
                account.BalanceMicroEur - account.AccruedMicroEur - account.HoldsMicroEur,
                account.AvailableMicroEur
            );
            var over = account.HoldsMicroEur + account.AccruedMicroEur + billed - held;
            if (running.Count == account.RunningInstances && over >= 0 && over <= mayLapse)
            {
                Assert.Equal(running.Sum(i => i.Placement.PricePerHourMicroEur), account.BurnPerHourMicroEur);
                return;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < Longest,
                $"{running.Count} instances hold {held}, {billed} of it billed, {unanswered} starts may never have been answered, but the account is {account}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellation);
        }
    }

    private async Task<Account> AccountAsync(CancellationToken cancellation) =>
        await _accounts.GetAccountAsync(new GetAccountRequest { Name = load.Account }, cancellationToken: cancellation);

    private async Task<List<LedgerEntry>> LedgerAsync(CancellationToken cancellation)
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
        return entries;
    }
}
