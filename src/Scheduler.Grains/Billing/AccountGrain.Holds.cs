using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Billing;

/// <summary>
/// Holds whose launch was never recorded. A crash between hold and record leaves one, and its instance waits for nothing.
/// So the account asks: an instance that did not record the run loses the hold.
/// </summary>
internal sealed partial class AccountGrain
{
    /// <summary>
    /// Time from a hold to the question, and between questions that got no answer. Most launches are recorded within
    /// milliseconds, and an owner waits at most a minute for money that nothing uses.
    /// </summary>
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(30);

    private readonly PriorityQueue<(InstanceId Instance, int Run), DateTimeOffset> _questions = new();

    /// <summary>Runs of which the instance said that they are recorded.</summary>
    private readonly HashSet<(InstanceId Instance, int Run)> _isRecorded = [];

    public async Task CheckHoldAsync(InstanceId instance)
    {
        if (await DoAsync((ledger, _) => ledger.HeldRun(instance)) is { } run)
        {
            _questions.Enqueue((instance, run), clock.Now());
            AskDueQuestions();
            ArmTimer(clock.Now());
        }
    }

    public Task<ImmutableArray<OpenHold>> HoldsAsync(AccountId? account, int most) =>
        DoAsync<ImmutableArray<OpenHold>>(
            (ledger, now) => MaySee(ledger, account) ? [.. ledger.OpenHolds(now).Take(most)] : []
        );

    /// <summary>After an activation nothing is known of the holds that an earlier one took.</summary>
    private void AskAboutAllHolds(IEnumerable<InstanceTab> tabs)
    {
        foreach (var tab in tabs)
        {
            if (_ledger.HeldRun(tab.Instance) is { } run)
            {
                _questions.Enqueue((tab.Instance, run), clock.Now());
            }
        }
    }

    /// <summary>
    /// When the next question is due. Drops questions whose hold is gone: almost every launch runs long before, and the account must not
    /// wake for it.
    /// </summary>
    private DateTimeOffset? NextQuestion()
    {
        while (_questions.TryPeek(out var hold, out var at))
        {
            if (_ledger.HeldRun(hold.Instance) == hold.Run)
            {
                return at;
            }

            _questions.Dequeue();
            _isRecorded.Remove(hold);
        }

        return null;
    }

    private void AskDueQuestions()
    {
        var now = clock.Now();
        while (_questions.TryPeek(out var hold, out var at) && at <= now)
        {
            _questions.Dequeue();
            if (!_isRecorded.Remove(hold) && _ledger.HeldRun(hold.Instance) == hold.Run)
            {
                _questions.Enqueue(hold, now + AskEvery);
                AskAsync(hold.Instance, hold.Run).Ignore();
            }
        }
    }

    private async Task AskAsync(InstanceId instance, int run)
    {
        try
        {
            if (await GrainFactory.GetGrain<IInstanceInbox>(instance.Value).HasRecordedAsync(run))
            {
                _isRecorded.Add((instance, run));
                return;
            }

            await DoAsync(
                (ledger, _) =>
                {
                    ledger.FreeHold(instance, run);
                    return true;
                }
            );
            LogHoldFreed(Self, instance, run);
        }
        catch (Exception exception)
        {
            // Asked again: the question stays in the queue.
            LogAskFailed(exception, instance);
        }
    }
}
