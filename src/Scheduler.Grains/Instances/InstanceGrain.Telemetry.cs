using Scheduler.Domain.Instances;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>What is counted of an instance: from what was recorded, after it was.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>When the launch under way began; null when this activation did not see its first attempt.</summary>
    private DateTimeOffset? _launchBegan;

    private void Measure(InstanceRecord before, InstanceRecord after)
    {
        NoticeLaunch(after);
        metrics.Record(before, after, _launchBegan);
    }

    /// <summary>A re-routed launch goes on; what began is the first attempt of the run.</summary>
    private void NoticeLaunch(InstanceRecord record)
    {
        if (record is { State: InstanceState.Provisioning, Attempt: 1 })
        {
            _launchBegan = record.StateSince;
        }
    }
}
