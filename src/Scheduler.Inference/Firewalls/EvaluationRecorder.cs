using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Records evaluations in the background: collects them briefly and sends them to each account's grain in one batch.
/// Requests never wait for it. Evaluations that do not fit or cannot be recorded are dropped and counted; their
/// decision still holds.
/// </summary>
internal sealed partial class EvaluationRecorder(
    IGrainFactory grains,
    FirewallMetrics metrics,
    IOptions<FirewallGateOptions> options,
    TimeProvider clock,
    ILogger<EvaluationRecorder> logger
) : BackgroundService, IEvaluationSink
{
    private const int AccountsAtOnce = 8;

    /// <summary>How long evaluations are collected: a busy account costs four writes a second.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private readonly Channel<(AccountId Account, FirewallEvaluation Evaluation)> _waiting = Channel.CreateBounded<(
        AccountId,
        FirewallEvaluation
    )>(new BoundedChannelOptions(options.Value.EvaluationsWaiting) { SingleReader = true });

    public void Record(AccountId account, FirewallEvaluation evaluation)
    {
        if (!_waiting.Writer.TryWrite((account, evaluation)))
        {
            metrics.Dropped(1);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                await Task.Delay(Gathering, clock, stoppingToken);
                await RecordAllAsync();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown: the remaining evaluations are recorded below.
        }

        await RecordAllAsync();
    }

    private async Task RecordAllAsync()
    {
        var taken = new List<(AccountId Account, FirewallEvaluation Evaluation)>();
        while (taken.Count < options.Value.EvaluationsWaiting && _waiting.Reader.TryRead(out var next))
        {
            taken.Add(next);
        }

        var batches = taken
            .GroupBy(one => one.Account, one => one.Evaluation)
            .SelectMany(group =>
                group.Chunk(IEvaluationsGrain.MostAtOnce).Select(batch => (Account: group.Key, batch))
            );
        await Parallel.ForEachAsync(
            batches,
            new ParallelOptions { MaxDegreeOfParallelism = AccountsAtOnce },
            async (one, _) => await RecordAsync(one.Account, one.batch)
        );
    }

    private async Task RecordAsync(AccountId account, FirewallEvaluation[] batch)
    {
        try
        {
            await grains.Evaluations(account).RecordAsync(account, [.. batch]);
        }
        catch (Exception exception)
        {
            // No retry: the first call may have succeeded, and duplicate entries are worse than a gap.
            metrics.Dropped(batch.Length);
            LogNotRecorded(exception, batch.Length, account);
        }
    }

    [LoggerMessage(1622, LogLevel.Warning, "Could not record {Count} evaluations of {Account}; they are dropped")]
    private partial void LogNotRecorded(Exception exception, int count, AccountId account);
}
