using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Agenda;

/// <summary>
/// Wakes grains that are due. After a start or the loss of a silo it first wakes every grain with a pending wake-up.
/// So interrupted work continues at once and not at its deadline (INV-03).
/// </summary>
/// <remarks>
/// <para>
/// An active grain has its own timer for the same time; the agenda is for inactive grains. A wake-up is deleted only
/// when its grain has nothing pending, and only if the stored wake-up is still the one that was read.
/// </para>
/// <para>
/// The silos of a cluster divide the agenda by the number of silos each sees. While their views differ, a wake-up may
/// run twice, which is harmless, or a few seconds late.
/// </para>
/// </remarks>
internal sealed partial class AgendaService(
    IGrainFactory grains,
    IAgenda agenda,
    ISiloStatusOracle silos,
    TimeProvider clock,
    ILogger<AgendaService> logger
) : BackgroundService
{
    private const int BatchSize = 512;
    private const int AtOnce = 64;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>Delay before a wake-up whose grain failed is tried again.</summary>
    private static readonly TimeSpan PutOff = TimeSpan.FromSeconds(5);

    /// <summary>Time after which an unanswered wake-up counts as failed, so that it delays no others.</summary>
    private static readonly TimeSpan LongestWake = TimeSpan.FromSeconds(10);

    private readonly HashSet<SiloAddress> _seen = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        var all = true;
        do
        {
            try
            {
                var (share, isSiloLost) = Divide();
                all |= isSiloLost;
                await WakeDueAsync(share, all, stoppingToken);
                all = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogAgendaFailed(exception);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private (AgendaShare Share, bool IsSiloLost) Divide()
    {
        var active = silos
            .GetApproximateSiloStatuses(onlyActive: true)
            .Keys.Append(silos.SiloAddress)
            .Distinct()
            .ToList();
        active.Sort();
        var isLost = _seen.Except(active).Any();
        _seen.Clear();
        _seen.UnionWith(active);
        return (new AgendaShare(active.IndexOf(silos.SiloAddress), active.Count), isLost);
    }

    private async Task WakeDueAsync(AgendaShare share, bool all, CancellationToken cancellationToken)
    {
        if (all)
        {
            var waiting = await agenda.DueAsync(DateTimeOffset.MaxValue, share, int.MaxValue, cancellationToken);
            LogTakenUp(waiting.Count);
            foreach (var batch in waiting.Chunk(BatchSize))
            {
                await WakeAsync(batch, cancellationToken);
            }

            return;
        }

        while (
            await agenda.DueAsync(clock.Now(), share, BatchSize, cancellationToken) is { Count: > 0 } due
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
            async (i, cancelled) => answers[i] = (items[i], await WakeOneAsync(items[i], cancelled))
        );
        await agenda.SettleAsync(answers, cancellationToken);
        return items.Count;
    }

    private async Task<DateTimeOffset?> WakeOneAsync(AgendaItem item, CancellationToken cancellationToken)
    {
        try
        {
            var grain = grains.GetGrain<IWakeable>(GrainId.Create(item.Kind, item.Id));
            return await grain.WakeAsync().WaitAsync(LongestWake, clock, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // A grain that cannot be read must not prevent the other wake-ups (INV-14).
            LogWakeFailed(exception, item.Kind, item.Id);
            return clock.Now() + PutOff;
        }
    }

    [LoggerMessage(1401, LogLevel.Error, "Cannot read the agenda; retrying in 1 s")]
    private partial void LogAgendaFailed(Exception exception);

    [LoggerMessage(1402, LogLevel.Error, "Could not wake {Kind} {Id}; retrying in 5 s")]
    private partial void LogWakeFailed(Exception exception, string kind, string id);

    [LoggerMessage(1403, LogLevel.Information, "Waking {Count} pending grains after a start or silo loss")]
    private partial void LogTakenUp(int count);
}
