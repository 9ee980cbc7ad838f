using System.Threading.Channels;

namespace Scheduler.Storage.PostgreSql;

/// <summary>
/// Lets those that wait share one round trip, one transaction and one flush of the log. A few lanes work side by side; each takes all that
/// waits, up to a bound. A request is answered only after the commit that carries it.
/// </summary>
/// <typeparam name="TRequest">One piece of work.</typeparam>
/// <typeparam name="TAnswer">What it comes back with.</typeparam>
internal sealed class GroupCommit<TRequest, TAnswer> : IAsyncDisposable
{
    /// <summary>More than this many waiting make the next caller wait before it may even queue.</summary>
    private const int QueueCapacity = 4096;

    private readonly Func<IReadOnlyList<TRequest>, Task<TAnswer[]>> _run;
    private readonly int _maxBatch;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(QueueCapacity);
    private readonly Task[] _lanes;

    /// <param name="lanes">How many batches may be under way at once.</param>
    /// <param name="maxBatch">Most requests in one batch.</param>
    /// <param name="run">
    /// Does a batch, all or nothing: one answer a request, in order. When the database says no to a batch, each of its requests is tried
    /// alone, so that one bad request fails by itself.
    /// </param>
    public GroupCommit(int lanes, int maxBatch, Func<IReadOnlyList<TRequest>, Task<TAnswer[]>> run)
    {
        _maxBatch = maxBatch;
        _run = run;
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => Task.Run(WorkAsync))];
    }

    /// <summary>How many wait now.</summary>
    public int Waiting => _queue.Reader.Count;

    /// <summary>Waits for its turn and does it.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="cancellationToken">Gives up waiting; what has begun goes on.</param>
    public async Task<TAnswer> RunAsync(TRequest request, CancellationToken cancellationToken)
    {
        var work = new Work(request, cancellationToken);
        await _queue.Writer.WriteAsync(work, cancellationToken);
        return await work.Answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Does what waits, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await Task.WhenAll(_lanes);
    }

    private async Task WorkAsync()
    {
        var batch = new List<Work>();
        while (await _queue.Reader.WaitToReadAsync())
        {
            while (batch.Count < _maxBatch && _queue.Reader.TryRead(out var work))
            {
                if (!work.IsAbandoned)
                {
                    batch.Add(work);
                }
            }

            await AnswerAsync(batch);
            batch.Clear();
        }
    }

    private async Task AnswerAsync(List<Work> batch)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            var answers = await _run([.. batch.Select(work => work.Request)]);
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Answer.SetResult(answers[i]);
            }
        }
        catch (Exception exception) when (batch.Count > 1 && PostgreSqlErrors.IsRefusal(exception))
        {
            foreach (var work in batch)
            {
                await AnswerAsync([work]);
            }
        }
#pragma warning disable CA1031 // Whatever it is belongs to those who wait, not to this lane.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var described = PostgreSqlErrors.Describe(exception);
            batch.ForEach(work => work.Answer.SetException(described));
        }
    }

    private sealed class Work(TRequest request, CancellationToken cancellationToken)
    {
        public TRequest Request => request;

        public bool IsAbandoned => cancellationToken.IsCancellationRequested;

        public TaskCompletionSource<TAnswer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
