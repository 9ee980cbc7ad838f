using System.Collections.Immutable;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Stopping, and the cleanup of a failed or re-routed run: release and settlement are repeated until both are confirmed. There is no
/// deadline: capacity that the provider may still hold is never given up.
/// </summary>
internal sealed partial class InstanceGrain
{
    /// <summary>Work: attempts every pending cleanup of the current record, reports what was confirmed, and repeats this until none is left.</summary>
    private async Task CleanUpAsync(CancellationToken cancellationToken)
    {
        for (var pause = Launch.DebtRetry; ; pause = RetryPause.Next(pause))
        {
            var pending = _recorded.PendingCleanups;
            if (pending.IsEmpty)
            {
                return;
            }

            var results = await Task.WhenAll(pending.Select(cleanup => TryCleanUpAsync(cleanup, cancellationToken)));
            var confirmed = pending.Where((_, i) => results[i]).ToImmutableArray();
            if (!confirmed.IsEmpty)
            {
                await Inbox.CleanupConfirmedAsync(confirmed);
            }

            if (confirmed.Length < pending.Length)
            {
                await Task.Delay(pause, clock, cancellationToken);
            }
        }
    }

    private async Task<bool> TryCleanUpAsync(PendingCleanup cleanup, CancellationToken cancellationToken)
    {
        try
        {
            if (cleanup.Kind == CleanupKind.Release)
            {
                return await provider.ReleaseAsync(Self, cleanup, cancellationToken);
            }

            await GrainFactory.Account(_recorded.Account).CloseRunAsync(cleanup.ToCloseRun(_recorded));
            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogRetrying(exception, Self, $"{cleanup.Kind} {cleanup.Key}");
            return false;
        }
    }
}
