using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Running: the meter is started once, then nothing is polled. The provider's watch reports the end of the runtime. There is no deadline:
/// the account reports an exhausted balance.
/// </summary>
internal sealed partial class InstanceGrain
{
    private static readonly TimeSpan TeachesFor = TimeSpan.FromMinutes(10);

    /// <summary>The run whose meter the account has confirmed to this activation.</summary>
    private int _meteredRun;

    /// <summary>The run that has taught this activation's model.</summary>
    private int _taughtRun;

    private Task _examination = Task.CompletedTask;

    private bool IsMetered => _meteredRun == _recorded.Run;

    /// <summary>Work: starts the meter at the account.</summary>
    private async Task StartMeterAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var command = new StartMeter(
            record.Id,
            record.Run,
            record.RunningSince!.Value,
            record.Intent!.PriceSnapshot,
            record.RequestId
        );
        for (var pause = Launch.DebtRetry; ; pause = RetryPause.Next(pause))
        {
            try
            {
                await GrainFactory.Account(record.Account).StartMeterAsync(command);
                _meteredRun = record.Run;
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogRetrying(exception, record.Id, "meter");
            }

            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <summary>The lines of a start are read soon after it: later output may replace them.</summary>
    private bool MayTeach(InstanceRecord record) =>
        record is { State: InstanceState.Running, RunningSince: { } since }
        && _taughtRun != record.Run
        && clock.Now() - since < TeachesFor;

    /// <summary>Work: reports once what the runtime says about its memory.</summary>
    private async Task TeachAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        await teaching.ServesAsync(record, GrainFactory, cancellationToken);
        _taughtRun = record.Run;
    }

    /// <summary>Reads the allocation now; callers that arrive meanwhile share the same read.</summary>
    private async Task<Answer<InstanceRecord>> ExamineRuntimeAsync(AccountId? account)
    {
        if (_examination.IsCompleted)
        {
            _examination = ReportUnlessReadyAsync(_recorded);
        }

        await _examination;
        return VisibleTo(account);
    }

    private async Task ReportUnlessReadyAsync(InstanceRecord record)
    {
        // A missing allocation is not reported: the provider's list may lag. The sweep handles allocations that vanished.
        if (
            await provider.TryFindAsync(record, _work.Cancellation) is { } seen
            && seen.Status != AllocationStatus.Ready
        )
        {
            await Inbox.ObservedAsync(seen);
        }
    }

    private async Task StopForBalanceAsync(MicroEuro balance)
    {
        var price = _recorded.Intent!.PriceSnapshot;
        var nextHold = options.Value.Billing.Threshold.HoldFor(price);
        var failure = FailureCatalogue.Describe(new BalanceExhaustedFacts(_recorded.Account, balance, price, nextHold));
        await ApplyAsync(
            InstanceDecisions.Fail(_recorded, InstanceTrigger.BalanceExhausted, failure, null, OwnCause())
        );
    }
}
