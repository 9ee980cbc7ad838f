using Microsoft.Extensions.Hosting;

namespace Scheduler.Edge.Limits;

/// <summary>Gives memory back to the system after many large bodies: the runtime would keep it for the next ones.</summary>
internal sealed class MemoryTrim(MemoryBudget budget, IFullCollections collections, TimeProvider clock)
    : BackgroundService
{
    /// <summary>How often it is checked. A trim stops the process for about a tenth of a second.</summary>
    internal static readonly TimeSpan Every = TimeSpan.FromSeconds(15);

    /// <summary>The pools of server and runtime let go of their buffers a while after they were used.</summary>
    private const int MoreTrims = 2;

    /// <summary>Less is not worth a trim, bytes.</summary>
    internal const long Much = 32L << 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        var left = 0;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (budget.TrimAfter(Much))
            {
                left = MoreTrims;
            }
            else if (left > 0)
            {
                left--;
                collections.Trim();
            }
        }
    }
}
