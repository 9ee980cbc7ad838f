using Scheduler.Domain.Billing;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Billing;

/// <summary>The command queue and its single writer.</summary>
internal sealed partial class AccountGrain
{
    /// <summary>A command for the ledger, and the caller that waits for its answer.</summary>
    private abstract class QueuedCommand
    {
        /// <summary>Runs the command and keeps its answer until the write.</summary>
        public abstract void Run(AccountLedger ledger, DateTimeOffset now);

        /// <summary>Completes the call after the write.</summary>
        public abstract void Answer();

        /// <summary>Fails the call: the outcome of the write is unknown.</summary>
        public abstract void Fail(Exception exception);
    }

    private sealed class QueuedCommand<T>(Func<AccountLedger, DateTimeOffset, T> command) : QueuedCommand
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _value = default!;
        private Exception? _refusal;

        public Task<T> Answered => _answer.Task;

        public override void Run(AccountLedger ledger, DateTimeOffset now)
        {
            try
            {
                _value = command(ledger, now);
            }
            catch (Exception exception)
            {
                // The rules refuse before they change anything, so the other commands of the write are not affected.
                _refusal = exception;
            }
        }

        public override void Answer()
        {
            if (_refusal is null)
            {
                _answer.SetResult(_value);
            }
            else
            {
                _answer.SetException(_refusal);
            }
        }

        public override void Fail(Exception exception) => _answer.SetException(_refusal ?? exception);
    }

    private Task<T> DoAsync<T>(Func<AccountLedger, DateTimeOffset, T> command)
    {
        if (_isBroken)
        {
            // Commands that arrive after a failed write fail like those that waited for it: their callers retry.
            throw new StorageException($"{Self} is being read again after a failed write; retry.");
        }

        var queued = new QueuedCommand<T>(command);
        _queue.Enqueue(queued);
        metrics.AccountQueued(1);
        if (!_isWriting)
        {
            _isWriting = true;
            _ = WriteAllAsync();
        }

        return queued.Answered;
    }

    private async Task WriteAllAsync()
    {
        var batch = new List<QueuedCommand>();
        try
        {
            while (_queue.Count > 0)
            {
                batch.Clear();
                while (batch.Count < MaxBatch && _queue.TryDequeue(out var command))
                {
                    batch.Add(command);
                }

                metrics.AccountAnswers(batch.Count);
                await WriteAsync(batch);
                batch.ForEach(command => command.Answer());
            }

            _isWriting = false;
        }
        catch (Exception exception)
        {
            Break(batch, exception);
        }
    }

    private async Task WriteAsync(List<QueuedCommand> batch)
    {
        var now = clock.Now();
        foreach (var command in batch)
        {
            command.Run(_ledger, now);
        }

        if (_ledger.IsDirty)
        {
            AddBalanceEvents(now);
            state.State = _ledger.Commit(NextWake(now));
            await state.WriteStateAsync();
            ArmTimer(now);
        }
    }

    /// <summary>The ledger may contain changes that the store lacks: it is discarded, and every waiting call fails so that its caller retries.</summary>
    private void Break(List<QueuedCommand> batch, Exception exception)
    {
        _isBroken = true;
        LogWriteFailed(exception, Self, batch.Count + _queue.Count);
        foreach (var command in batch.Concat(_queue))
        {
            command.Fail(exception);
        }

        metrics.AccountQueued(-_queue.Count);
        _queue.Clear();
        DeactivateOnIdle();
    }
}
