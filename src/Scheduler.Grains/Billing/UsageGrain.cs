using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>The usage of one instance: one write per report.</summary>
[GrainType("usage")]
internal sealed class UsageGrain(
    [PersistentState("usage", GrainStorageNames.Database)] IPersistentState<ServedUsageRecord> state,
    TimeProvider clock
) : Grain, IUsageGrain
{
    private readonly Recorded<ServedUsageRecord> _usage = new(state);

    public async Task ReportAsync(AccountId account, GatewayReport report, ServedUsage served)
    {
        var instance = new InstanceId(this.GetPrimaryKeyString()[GrainKeys.UsagePrefix.Length..]);
        var day = DateOnly.FromDateTime(clock.Now().UtcDateTime);
        var next = _usage.Value.With(account, instance, report, served, day);
        if (!ReferenceEquals(next, _usage.Value))
        {
            await _usage.WriteAsync(next, this);
        }
    }

    public Task<ServedUsageRecord> GetAsync()
    {
        if (!_usage.Value.Exists)
        {
            // Requests for unknown ids must not accumulate activations.
            DeactivateOnIdle();
        }

        return Task.FromResult(_usage.Value);
    }
}
