using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Billing;

/// <summary>Changes that time alone causes: holds lapse, meters are settled, warnings are written, the balance is used up.</summary>
internal sealed partial class AccountGrain
{
    private const string Scheduler = "scheduler";

    /// <param name="isWoken">
    /// Whether the agenda calls. Then the record is written in any case. The store refuses the write if another activation has written
    /// since, so that an outdated activation cannot set the next wake-up of the account.
    /// </param>
    private async Task HandleDueAsync(bool isWoken = false)
    {
        var exhausted = await DoAsync(
            (ledger, now) =>
            {
                if (!ledger.Record.Exists)
                {
                    return [];
                }

                if (isWoken)
                {
                    ledger.Change(record => record);
                }

                ledger.Lapse(now);
                ledger.SettleDue(now, Billing.SettleEvery);
                AddBalanceEvents(now);
                return IsOver(ledger, now) ? ledger.Metered.Select(tab => (tab.Instance, tab.Run)).ToList() : [];
            }
        );
        var now = clock.Now();
        var left = _ledger.Record.Balance - _ledger.Accrued(now);
        foreach (var (instance, run) in exhausted)
        {
            NotifyExhaustedAsync(instance, run, left).Ignore();
        }

        AskDueQuestions();
        // Without a write the timer of the next moment has not been set yet.
        ArmTimer(now);
    }

    private async Task NotifyExhaustedAsync(InstanceId instance, int run, MicroEuro balance)
    {
        try
        {
            await GrainFactory.GetGrain<IInstanceInbox>(instance.Value).BalanceExhaustedAsync(run, balance);
        }
        catch (Exception exception)
        {
            // Retried: the wake-up stays until no run is metered.
            LogNotifyFailed(exception, instance);
        }
    }

    /// <summary>Writes the low-balance and exhausted events, each once until there is money again.</summary>
    private void AddBalanceEvents(DateTimeOffset now)
    {
        // Besides a top-up, a run that ended earlier than it was billed returns money.
        if (_ledger.Record.ExhaustedSince is not null && _ledger.HasMoney(now))
        {
            _ledger.Change(record => record with { ExhaustedSince = null });
        }

        if (_ledger.ExhaustedAt(now) is not { } ends)
        {
            return;
        }

        var request = _ledger.Metered.First().RequestId;
        if (ends <= now && _ledger.Record.ExhaustedSince is null)
        {
            _ledger.Change(record => record with { ExhaustedSince = now });
            _ledger.AddEvent("BalanceExhausted", "the balance is used up", now, request, Scheduler);
        }
        else if (ends > now && ends - now <= Billing.LowBalanceAhead && _ledger.Record.LowBalanceSince is null)
        {
            _ledger.Change(record => record with { LowBalanceSince = now });
            _ledger.AddEvent(
                "LowBalance",
                $"the balance ends at {ends:u} at the present burn rate",
                now,
                request,
                Scheduler
            );
        }
    }

    private static bool IsOver(AccountLedger ledger, DateTimeOffset now) =>
        ledger.Record.ExhaustedSince is { } since && now >= since + ledger.Record.ExhaustionGrace;

    private DateTimeOffset? NextWake(DateTimeOffset now)
    {
        var next = _ledger.NextAct(now, Billing.SettleEvery);
        if (_ledger.Record is { LowBalanceSince: null, ExhaustedSince: null } && _ledger.ExhaustedAt(now) is { } ends)
        {
            var warn = ends - Billing.LowBalanceAhead;
            next = next is { } other && other < warn ? other : warn;
        }

        if (_ledger.Record.ExhaustedSince is { } since && _ledger.Metered.Count > 0)
        {
            var over = since + _ledger.Record.ExhaustionGrace;
            var notify = over > now ? over : now + NotifyAgainAfter;
            next = next is { } other && other < notify ? other : notify;
        }

        var question = NextQuestion();
        return next is { } first && !(question < first) ? first : question ?? next;
    }

    private void ArmTimer(DateTimeOffset now)
    {
        _timer?.Dispose();
        _timer = null;
        if (_ledger.Record.Exists && NextWake(now) is { } due)
        {
            var left = due > now ? due - now : TimeSpan.Zero;
            _timer = this.RegisterGrainTimer(
                static (self, _) => self.HandleDueAsync(),
                this,
                new GrainTimerCreationOptions(left, Timeout.InfiniteTimeSpan) { Interleave = true }
            );
        }
    }
}
