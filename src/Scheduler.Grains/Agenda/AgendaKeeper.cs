using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Agenda;

/// <summary>
/// Wakes grains that are due. After a start, and after the loss of a silo, it first wakes every grain that waits for anything at all, so
/// that what was interrupted goes on at once and not at its deadline (INV-03).
/// </summary>
/// <remarks>
/// <para>
/// A grain that is active has its own timer for the same moment; the agenda is for those that are not. A wake-up is struck out only
/// when its grain said that it waits for nothing more, and only if it is still the one that was read.
/// </para>
/// <para>
/// The keepers of a cluster divide the agenda by counting the silos they see. While their views differ a wake-up may be done twice, which is
/// harmless, or a few seconds late.
/// </para>
/// </remarks>
internal sealed partial class AgendaKeeper(
    IGrainFactory grains,
    IAgenda agenda,
    ISiloStatusOracle silos,
    TimeProvider clock,
    ILogger<AgendaKeeper> logger
) : BackgroundService
{
    private const int BatchSize = 512;
    private const int AtOnce = 64;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    /// <summary>How long a wake-up whose grain failed is put off.</summary>
    private static readonly TimeSpan PutOff = TimeSpan.FromSeconds(5);

    /// <summary>After so long a grain that does not answer counts as one that failed: it must not keep the others asleep.</summary>
    private static readonly TimeSpan LongestWake = TimeSpan.FromSeconds(10);

    private readonly HashSet<SiloAddress> _seen = [];

    /// <inheritdoc/>
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

    /// <summary>This silo's share of the agenda among those it sees, and whether one that it saw before is gone.</summary>
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
            // One grain that cannot be read must not keep the others asleep (INV-14).
            LogWakeFailed(exception, item.Kind, item.Id);
            return clock.Now() + PutOff;
        }
    }

    [LoggerMessage(1401, LogLevel.Error, "The agenda could not be read; it is tried again in a second")]
    private partial void LogAgendaFailed(Exception exception);

    [LoggerMessage(1402, LogLevel.Error, "{Kind} {Id} could not be woken; it is tried again")]
    private partial void LogWakeFailed(Exception exception, string kind, string id);

    [LoggerMessage(
        1403,
        LogLevel.Information,
        "{Count} grains wait for something and are woken, after a start or the loss of a silo"
    )]
    private partial void LogTakenUp(int count);
}
