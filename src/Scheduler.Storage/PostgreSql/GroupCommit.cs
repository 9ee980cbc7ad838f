using System.Threading.Channels;

namespace Scheduler.Storage.PostgreSql;

/// <summary>
/// Batches waiting requests, so that they share one round trip, one transaction and one flush of the log. Several lanes
/// work in parallel; each takes all waiting requests, up to a limit. A request completes only after the commit that
/// contains it.
/// </summary>
internal sealed class GroupCommit<TRequest, TAnswer> : IAsyncDisposable
{
    /// <summary>If this many requests wait, the next caller waits until the queue has a free slot.</summary>
    private const int QueueCapacity = 4096;

    private readonly Func<IReadOnlyList<TRequest>, Task<TAnswer[]>> _run;
    private readonly int _maxBatch;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(QueueCapacity);
    private readonly Task[] _lanes;

    /// <param name="run">
    /// Runs a batch atomically and returns one answer per request, in the same order. If the database rejects a batch,
    /// each request runs again alone, so that an invalid request does not fail the others.
    /// </param>
    public GroupCommit(int lanes, int maxBatch, Func<IReadOnlyList<TRequest>, Task<TAnswer[]>> run)
    {
        _maxBatch = maxBatch;
        _run = run;
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => Task.Run(WorkAsync))];
    }

    public int Waiting => _queue.Reader.Count;

    /// <param name="cancellationToken">Stops waiting; a request that has started continues.</param>
    public async Task<TAnswer> RunAsync(TRequest request, CancellationToken cancellationToken)
    {
        var work = new Work(request, cancellationToken);
        await _queue.Writer.WriteAsync(work, cancellationToken);
        return await work.Answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Runs all waiting requests, then stops.</summary>
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
#pragma warning disable CA1031 // Every exception goes to the callers that wait for the results.
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
