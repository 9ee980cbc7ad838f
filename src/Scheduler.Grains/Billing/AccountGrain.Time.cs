using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Billing;

/// <summary>What happens to money by the passing of time: holds lapse, meters are settled, warnings are given, the balance ends.</summary>
internal sealed partial class AccountGrain
{
    private const string Scheduler = "scheduler";

    /// <param name="isWoken">
    /// Whether the agenda asks. Then something is written in any case: the store refuses it should another activation have written since,
    /// and an old memory must not say when this account is to be woken next.
    /// </param>
    private async Task PassTimeAsync(bool isWoken = false)
    {
        var told = await DoAsync(
            (book, now) =>
            {
                if (!book.Record.Exists)
                {
                    return [];
                }

                if (isWoken)
                {
                    book.Change(record => record);
                }

                book.Lapse(now);
                if (book.Metered.Any(tab => SettleAt(tab) <= now))
                {
                    book.Settle(now);
                }

                AddMoneyEvents(now);
                return IsOver(book, now) ? book.Metered.Select(tab => (tab.Instance, tab.Run)).ToList() : [];
            }
        );
        var now = clock.Now();
        // Nothing may have been written, and then nothing has set the timer for what comes next.
        ArmTimer(now);
        var left = _book.Record.Balance - _book.Accrued(now);
        foreach (var (instance, run) in told)
        {
            NotifyAsync(instance, run, left).Ignore();
        }
    }

    private async Task NotifyAsync(InstanceId instance, int run, MicroEuro balance)
    {
        try
        {
            await GrainFactory.GetGrain<IInstanceInbox>(instance.Value).BalanceExhaustedAsync(run, balance);
        }
        catch (Exception exception)
        {
            // It is told again: the wake-up stays until nothing runs.
            LogNotifyFailed(exception, instance);
        }
    }

    /// <summary>Gives the low-balance and exhausted events, once each until there is money again.</summary>
    private void AddMoneyEvents(DateTimeOffset now)
    {
        // A top-up is not the only way back: a run that ended earlier than was known gives back what it seemed to burn.
        if (_book.Record.ExhaustedSince is not null && _book.HasMoney(now))
        {
            _book.Change(record => record with { ExhaustedSince = null });
        }

        if (_book.ExhaustedAt(now) is not { } ends)
        {
            return;
        }

        var request = _book.Metered.First().RequestId;
        if (ends <= now && _book.Record.ExhaustedSince is null)
        {
            _book.Change(record => record with { ExhaustedSince = now });
            _book.AddEvent("BalanceExhausted", "the balance is used up", now, request, Scheduler);
        }
        else if (ends > now && ends - now <= Billing.LowBalanceAhead && _book.Record.LowBalanceSince is null)
        {
            _book.Change(record => record with { LowBalanceSince = now });
            _book.AddEvent("LowBalance", $"the balance ends at {ends:u} at the present burn rate", now, request, Scheduler);
        }
    }

    private static bool IsOver(AccountBook book, DateTimeOffset now) =>
        book.Record.ExhaustedSince is { } since && now >= since + book.Record.ExhaustionGrace;

    private DateTimeOffset SettleAt(InstanceTab tab) =>
        tab.MeterSince!.Value + TimeSpan.FromSeconds(tab.BilledSeconds) + Billing.SettleEvery;

    private DateTimeOffset? NextWake(DateTimeOffset now)
    {
        var next = _book.NextAct(now, Billing.SettleEvery);
        if (_book.Record is { LowBalanceSince: null, ExhaustedSince: null } && _book.ExhaustedAt(now) is { } ends)
        {
            var warn = ends - Billing.LowBalanceAhead;
            next = next is { } other && other < warn ? other : warn;
        }

        if (_book.Record.ExhaustedSince is { } since && _book.Metered.Count > 0)
        {
            var over = since + _book.Record.ExhaustionGrace;
            var notifyAt = over > now ? over : now + NotifyAgainAfter;
            next = next is { } other && other < notifyAt ? other : notifyAt;
        }

        return next;
    }

    private void ArmTimer(DateTimeOffset now)
    {
        _timer?.Dispose();
        _timer = null;
        if (_book.Record.Exists && NextWake(now) is { } due)
        {
            var left = due > now ? due - now : TimeSpan.Zero;
            _timer = this.RegisterGrainTimer(
                static (self, _) => self.PassTimeAsync(),
                this,
                new GrainTimerCreationOptions(left, Timeout.InfiniteTimeSpan) { Interleave = true }
            );
        }
    }
}
