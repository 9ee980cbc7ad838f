using System.Collections.Immutable;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;
using Scheduler.Grains;
using Scheduler.Grains.Requests;

namespace Scheduler.Edge.Requests;

/// <summary>
/// Answered requests: the latest ones in memory, refusals and a share of the rest in the log and, after a moment, in the
/// store. No request waits for it. Requests that do not fit in the queue are lost and counted.
/// </summary>
internal sealed class RequestLog(
    IGrainFactory grains,
    EdgeMetrics metrics,
    RequestLogLines lines,
    IOptions<RequestLogOptions> options,
    TimeProvider clock
) : BackgroundService
{
    /// <summary>Most answers that are looked up for one id: callers may use an id of their own often.</summary>
    public const int MostWithOneId = 100;

    /// <summary>The latest requests of this process, about 2 MB.</summary>
    private const int Remembered = 4096;

    /// <summary>How long requests are collected: two writes a second.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(500);

    /// <summary>Pause after a write that failed. A repeated write stores nothing twice.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Time for the last write when the process stops.</summary>
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(2);

    private readonly AnsweredRequest?[] _latest = new AnsweredRequest?[Remembered];
    private readonly Channel<AnsweredRequest> _waiting = Channel.CreateBounded<AnsweredRequest>(
        new BoundedChannelOptions(options.Value.MostWaiting) { SingleReader = true }
    );
    private ImmutableArray<AnsweredRequest> _unwritten = [];
    private int _next = -1;
    private long _second;
    private int _left;

    /// <summary>Keeps a request.</summary>
    public void Add(AnsweredRequest request)
    {
        var isRefused = request.Code != AnsweredRequest.Ok;
        Volatile.Write(ref _latest[(uint)unchecked(Interlocked.Increment(ref _next)) % Remembered], request);
        if (!isRefused && !TakesSuccess())
        {
            return;
        }

        lines.Write(request);
        if (!_waiting.Writer.TryWrite(request))
        {
            metrics.RequestsLost(1);
        }
    }

    /// <summary>The requests with an id, the scheduler's or the caller's own, newest first.</summary>
    /// <param name="account">Restricts them to one account; null for all (operator).</param>
    /// <param name="limit">1 to 1,000.</param>
    public async Task<ImmutableArray<AnsweredRequest>> FindAsync(
        string id,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    )
    {
        var stored = await grains.RequestLog().FindAsync(id, account, limit).WaitAsync(cancellationToken);
        return Merge(stored, Latest(request => request.HasId(id) && request.IsVisibleTo(account)), limit);
    }

    /// <summary>The latest requests, newest first.</summary>
    /// <param name="account">Of one account; null for all (operator).</param>
    /// <param name="onlyRefused">Leaves out those that were not refused.</param>
    /// <param name="limit">1 to 1,000.</param>
    public async Task<ImmutableArray<AnsweredRequest>> ListAsync(
        AccountId? account,
        bool onlyRefused,
        int limit,
        CancellationToken cancellationToken
    )
    {
        var stored = await grains.RequestLog().ListAsync(account, onlyRefused, limit).WaitAsync(cancellationToken);
        return Merge(
            stored,
            Latest(request => request.IsVisibleTo(account) && !(onlyRefused && request.Code == AnsweredRequest.Ok)),
            limit
        );
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var late = new CancellationTokenSource(AtTheEnd, clock);
        while (TakeBatch() && !late.IsCancellationRequested)
        {
            if (!await WriteAsync(late.Token))
            {
                break;
            }
        }

        metrics.RequestsLost(_unwritten.Length + _waiting.Reader.Count);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
        {
            await Task.Delay(Gathering, clock, stoppingToken);
            while (TakeBatch())
            {
                if (!await WriteAsync(stoppingToken))
                {
                    await Task.Delay(RetryAfter, clock, stoppingToken);
                }
            }
        }
    }

    /// <summary>Takes the next requests, unless some are still unwritten.</summary>
    /// <returns>False when there is nothing to write.</returns>
    private bool TakeBatch()
    {
        if (_unwritten.IsEmpty)
        {
            var batch = ImmutableArray.CreateBuilder<AnsweredRequest>();
            while (batch.Count < IRequestLogGrain.MostAtOnce && _waiting.Reader.TryRead(out var next))
            {
                batch.Add(next);
            }

            _unwritten = batch.DrainToImmutable();
        }

        return !_unwritten.IsEmpty;
    }

    private async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await grains.RequestLog().RecordAsync(_unwritten).WaitAsync(cancellationToken);
            _unwritten = [];
            return true;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            lines.NotStored(exception, _unwritten.Length);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool TakesSuccess()
    {
        var second = clock.GetTimestamp() / clock.TimestampFrequency;
        if (Interlocked.Exchange(ref _second, second) != second)
        {
            Volatile.Write(ref _left, options.Value.SuccessesPerSecond);
        }

        return Interlocked.Decrement(ref _left) >= 0;
    }

    private IEnumerable<AnsweredRequest> Latest(Func<AnsweredRequest, bool> isMeant)
    {
        for (var i = 0; i < _latest.Length; i++)
        {
            if (Volatile.Read(ref _latest[i]) is { } request && isMeant(request))
            {
                yield return request;
            }
        }
    }

    private static ImmutableArray<AnsweredRequest> Merge(
        ImmutableArray<AnsweredRequest> stored,
        IEnumerable<AnsweredRequest> latest,
        int limit
    ) =>
        [
            .. stored
                .Concat(latest)
                .DistinctBy(request => request.Id)
                .OrderByDescending(request => request.At)
                .ThenByDescending(request => request.Id.Value, StringComparer.Ordinal)
                .Take(limit),
        ];
}
