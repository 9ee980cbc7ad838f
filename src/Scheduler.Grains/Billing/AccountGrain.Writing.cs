using Scheduler.Domain.Billing;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Billing;

/// <summary>The queue and its one writer.</summary>
internal sealed partial class AccountGrain
{
    /// <summary>Something to be done to the book, and whoever waits for it.</summary>
    private abstract class Act
    {
        /// <summary>Does it and keeps the answer back.</summary>
        public abstract void Do(AccountBook book, DateTimeOffset now);

        /// <summary>Gives the answer: it is recorded.</summary>
        public abstract void Answer();

        /// <summary>Fails: the outcome is unknown.</summary>
        public abstract void Fail(Exception exception);
    }

    private sealed class Act<T>(Func<AccountBook, DateTimeOffset, T> act) : Act
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _value = default!;
        private Exception? _refused;

        public Task<T> Answered => _answer.Task;

        public override void Do(AccountBook book, DateTimeOffset now)
        {
            try
            {
                _value = act(book, now);
            }
            catch (Exception exception)
            {
                // The rules refuse before they change anything: whoever shares the write does not suffer for it.
                _refused = exception;
            }
        }

        public override void Answer()
        {
            if (_refused is null)
            {
                _answer.SetResult(_value);
            }
            else
            {
                _answer.SetException(_refused);
            }
        }

        public override void Fail(Exception exception) => _answer.SetException(_refused ?? exception);
    }

    private Task<T> DoAsync<T>(Func<AccountBook, DateTimeOffset, T> what)
    {
        if (_isBroken)
        {
            // Whoever was let in before the write failed is told as those are who waited for it: to ask again.
            throw new StorageException($"{Self} is being read again after a failed write; ask again.");
        }

        var act = new Act<T>(what);
        _queue.Enqueue(act);
        metrics.AccountQueued(1);
        if (!_isWriting)
        {
            _isWriting = true;
            _ = WriteAllAsync();
        }

        return act.Answered;
    }

    private async Task WriteAllAsync()
    {
        var batch = new List<Act>();
        try
        {
            while (_queue.Count > 0)
            {
                batch.Clear();
                while (batch.Count < MaxBatch && _queue.TryDequeue(out var act))
                {
                    batch.Add(act);
                }

                metrics.AccountAnswers(batch.Count);
                await WriteAsync(batch);
                batch.ForEach(act => act.Answer());
            }

            _isWriting = false;
        }
        catch (Exception exception)
        {
            Break(batch, exception);
        }
    }

    private async Task WriteAsync(List<Act> batch)
    {
        var now = clock.Now();
        foreach (var act in batch)
        {
            act.Do(_book, now);
        }

        if (_book.IsDirty)
        {
            AddMoneyEvents(now);
            state.State = _book.Commit(NextWake(now));
            await state.WriteStateAsync();
            ArmTimer(now);
        }
    }

    /// <summary>The book may hold what the store has not: it is thrown away, and everybody who waits is told to ask again.</summary>
    private void Break(List<Act> batch, Exception exception)
    {
        _isBroken = true;
        LogWriteFailed(exception, Self, batch.Count + _queue.Count);
        foreach (var act in batch.Concat(_queue))
        {
            act.Fail(exception);
        }

        metrics.AccountQueued(-_queue.Count);
        _queue.Clear();
        DeactivateOnIdle();
    }
}
