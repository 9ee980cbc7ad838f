using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Telemetry;

/// <summary>
/// Counts launches and runs from one recorded write. Only the record is used, so that a launch counts once however it
/// ends: a failure re-routed in the same write is a re-route, not the launch's end.
/// </summary>
internal static class LaunchCount
{
    /// <param name="launchBegan">Null when this activation did not see the start of the launch.</param>
    public static void Record(
        this SchedulerMetrics metrics,
        InstanceRecord before,
        InstanceRecord after,
        DateTimeOffset? launchBegan
    )
    {
        var (was, now) = (before.State, after.State);
        if (was == InstanceState.Running && now != InstanceState.Running)
        {
            metrics.RunEnded(FailedWith(after), ProviderOf(before));
        }

        if (after.Reroutes > before.Reroutes)
        {
            metrics.Rerouted(FailedWith(after), ProviderOf(before));
        }

        if (now == InstanceState.Running && was != InstanceState.Running)
        {
            metrics.LaunchEnded("running", FailureCode.None, ProviderOf(after));
            if (launchBegan is { } began)
            {
                metrics.LaunchTook(after.StateSince - began, ProviderOf(after));
            }
        }
        else if (now == InstanceState.Failed && (was.IsLaunching() || WasRefused(after)))
        {
            var provider = WasRefused(after) ? SchedulerMetrics.None : ProviderOf(before);
            metrics.LaunchEnded("failed", FailedWith(after), provider);
        }
        else if (was.IsLaunching() && !now.IsLaunching())
        {
            metrics.LaunchEnded("stopped", FailureCode.None, ProviderOf(before));
        }
    }

    private static bool WasRefused(InstanceRecord after) =>
        after.Events.Any(happened => happened.Trigger == nameof(InstanceTrigger.CheckFailed));

    private static FailureCode FailedWith(InstanceRecord after) =>
        after.Events.FirstOrDefault(happened => happened.To == nameof(InstanceState.Failed))?.Code ?? FailureCode.None;

    private static string ProviderOf(InstanceRecord record) =>
        record.Intent?.Offer.Provider.Value ?? SchedulerMetrics.None;
}
