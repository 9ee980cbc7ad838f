using Scheduler.Domain.Services;

namespace Scheduler.Inference.Services;

/// <summary>
/// Requests that wait for something, answered in the order in which they came. One loop asks for the first of them whether its turn has
/// come; the others are behind it.
/// </summary>
/// <typeparam name="T">What a request gets when its turn comes; disposed if the request does not wait any more.</typeparam>
internal sealed class HoldQueue<T>(HoldBudget budget, TimeProvider clock)
    where T : class, IDisposable
{
    /// <summary>How often the loop asks while nothing is free. The answers come from memory.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _count;
    private bool _isRunning;

    /// <summary>Requests that wait.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Waits for the turn of a request.</summary>
    /// <param name="bytes">Memory that the request keeps meanwhile.</param>
    /// <returns>What <see cref="HoldRequest{T}.TryTake"/> gave.</returns>
    /// <exception cref="Exception">What <see cref="HoldRequest{T}.TryTake"/> or <see cref="HoldRequest{T}.Refusal"/> gave.</exception>
    /// <exception cref="OperationCanceledException">The client is gone.</exception>
    public async Task<T> WaitAsync(HoldRequest<T> request, long bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter(request, bytes, clock.GetUtcNow() + request.MostWait);
        if (Add(waiter) is not HoldEnd.None and var why)
        {
            throw request.Refusal(why);
        }

        await using var gone = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var (queue, waiter) = ((HoldQueue<T>, Waiter))state!;
                if (queue.Remove(waiter))
                {
                    waiter.Result.SetCanceled(token);
                }
            },
            (this, waiter)
        );
        return await waiter.Result.Task;
    }

    private HoldEnd Add(Waiter waiter)
    {
        var mustStart = false;
        lock (_gate)
        {
            if (_count >= waiter.Request.MostRequests)
            {
                return HoldEnd.ServiceFull;
            }

            if (budget.Take(waiter.Bytes) is not HoldEnd.None and var why)
            {
                return why;
            }

            waiter.Place = _waiting.AddLast(waiter);
            Volatile.Write(ref _count, _count + 1);
            (mustStart, _isRunning) = (!_isRunning, true);
        }

        if (mustStart)
        {
            RunAsync().Ignore();
        }

        return HoldEnd.None;
    }

    /// <returns>Whether it waited until now: only who removes it may answer it.</returns>
    private bool Remove(Waiter waiter)
    {
        lock (_gate)
        {
            if (waiter.Place is not { } place)
            {
                return false;
            }

            _waiting.Remove(place);
            waiter.Place = null;
            Volatile.Write(ref _count, _count - 1);
        }

        budget.GiveBack(waiter.Bytes);
        return true;
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (First() is { } first)
        {
            RefuseLate();
            var answering = TryAnswerAsync(first);
            while (!answering.IsCompleted)
            {
                // A grain that does not answer must not delay the refusal of others.
                await Task.WhenAny(answering, Task.Delay(Step, clock));
                RefuseLate();
            }

            if (!await answering)
            {
                await Task.Delay(Step, clock);
            }
        }
    }

    /// <summary>The request that came first; null ends the loop.</summary>
    private Waiter? First()
    {
        lock (_gate)
        {
            _isRunning = _waiting.First is not null;
            return _waiting.First?.Value;
        }
    }

    /// <summary>The wait may differ from request to request, because the service may have changed.</summary>
    private void RefuseLate()
    {
        var now = clock.GetUtcNow();
        List<Waiter> late;
        lock (_gate)
        {
            late = [.. _waiting.Where(waiter => waiter.Until <= now)];
        }

        foreach (var waiter in late.Where(Remove))
        {
            waiter.Result.SetException(waiter.Request.Refusal(HoldEnd.TooLate));
        }
    }

    /// <returns>Whether the request does not wait any more.</returns>
    private async Task<bool> TryAnswerAsync(Waiter waiter)
    {
        T? taken;
        try
        {
            taken = await waiter.Request.TryTake();
        }
        catch (Exception exception)
        {
            if (Remove(waiter))
            {
                waiter.Result.SetException(exception);
            }

            return true;
        }

        if (taken is null)
        {
            return false;
        }

        if (Remove(waiter))
        {
            waiter.Result.SetResult(taken);
        }
        else
        {
            taken.Dispose();
        }

        return true;
    }

    private sealed class Waiter(HoldRequest<T> request, long bytes, DateTimeOffset until)
    {
        public HoldRequest<T> Request => request;

        public long Bytes => bytes;

        public DateTimeOffset Until => until;

        public TaskCompletionSource<T> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Null when it does not wait any more.</summary>
        public LinkedListNode<Waiter>? Place { get; set; }
    }
}

/// <param name="TryTake">Gives what the request waits for, null while there is none, or the failure that ends the wait.</param>
/// <param name="Refusal">The failure for a request that may not wait, or not longer.</param>
/// <param name="MostRequests">Most requests in the queue, this one included.</param>
/// <param name="MostWait">Above zero.</param>
internal sealed record HoldRequest<T>(
    Func<ValueTask<T?>> TryTake,
    Func<HoldEnd, Exception> Refusal,
    int MostRequests,
    TimeSpan MostWait
)
    where T : class, IDisposable;
