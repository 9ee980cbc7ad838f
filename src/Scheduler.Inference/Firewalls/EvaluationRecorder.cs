using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Records evaluations behind the requests' backs: they gather for a moment and go to their account's grain together. Nothing waits for it,
/// and what does not fit or cannot be recorded is dropped and counted; it was decided all the same.
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

    /// <summary>How long evaluations gather: a list is that much behind, and a busy account costs four writes a second.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private readonly Channel<(AccountId Account, FirewallEvaluation Evaluation)> _waiting = Channel.CreateBounded<(
        AccountId,
        FirewallEvaluation
    )>(new BoundedChannelOptions(options.Value.EvaluationsWaiting) { SingleReader = true });

    public void Note(AccountId account, FirewallEvaluation evaluation)
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
            // The end: what waits is recorded once more.
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
            // Not tried again: whether it was recorded is unknown, and a list with everything twice is worse than one with a gap.
            metrics.Dropped(batch.Length);
            LogNotRecorded(exception, batch.Length, account);
        }
    }

    [LoggerMessage(1622, LogLevel.Warning, "{Count} evaluations of {Account} could not be recorded")]
    private partial void LogNotRecorded(Exception exception, int count, AccountId account);
}
