using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Agenda;

/// <summary>
/// Wakes grains that are due. After a start it first wakes every grain that waits for anything at all, so that what a crash interrupted
/// goes on at once and not at its deadline (INV-03).
/// </summary>
/// <remarks>
/// A grain that is active has its own timer for the same moment; the agenda is for those that are not. A wake-up is struck out only
/// when its grain said that it waits for nothing more, and only if it is still the one that was read.
/// </remarks>
internal sealed partial class AgendaKeeper(
    IGrainFactory grains,
    IAgenda agenda,
    TimeProvider clock,
    ILogger<AgendaKeeper> logger
) : BackgroundService
{
    private const int BatchSize = 512;
    private const int AtOnce = 64;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>How long a wake-up whose grain failed is put off.</summary>
    private static readonly TimeSpan PutOff = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        var isFirst = true;
        do
        {
            try
            {
                await WakeDueAsync(isFirst, stoppingToken);
                isFirst = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogAgendaFailed(exception);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task WakeDueAsync(bool all, CancellationToken cancellationToken)
    {
        if (all)
        {
            var waiting = await agenda.DueAsync(DateTimeOffset.MaxValue, int.MaxValue, cancellationToken);
            LogTakenUp(waiting.Count);
            foreach (var batch in waiting.Chunk(BatchSize))
            {
                await WakeAsync(batch, cancellationToken);
            }

            return;
        }

        while (
            await agenda.DueAsync(clock.Now(), BatchSize, cancellationToken) is { Count: > 0 } due
            && await WakeAsync(due, cancellationToken) > 0
            && due.Count == BatchSize
        ) { }
    }

    private async Task<int> WakeAsync(IReadOnlyList<AgendaItem> items, CancellationToken cancellationToken)
    {
        var answers = new (AgendaItem, DateTimeOffset?)[items.Count];
        await Parallel.ForEachAsync(
            Enumerable.Range(0, items.Count),
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (i, _) => answers[i] = (items[i], await WakeOneAsync(items[i]))
        );
        await agenda.SettleAsync(answers, cancellationToken);
        return items.Count;
    }

    private async Task<DateTimeOffset?> WakeOneAsync(AgendaItem item)
    {
        try
        {
            return await grains.GetGrain<IWakeable>(GrainId.Create(item.Kind, item.Id)).WakeAsync();
        }
        catch (Exception exception)
        {
            // One grain that cannot be read must not keep the others asleep (INV-14).
            LogWakeFailed(exception, item.Kind, item.Id);
            return clock.Now() + PutOff;
        }
    }

    [LoggerMessage(1401, LogLevel.Error, "The agenda could not be read; it is tried again in a second")]
    private partial void LogAgendaFailed(Exception exception);

    [LoggerMessage(1402, LogLevel.Error, "{Kind} {Id} could not be woken; it is tried again")]
    private partial void LogWakeFailed(Exception exception, string kind, string id);

    [LoggerMessage(1403, LogLevel.Information, "{Count} grains wait for something and are woken after the start")]
    private partial void LogTakenUp(int count);
}
