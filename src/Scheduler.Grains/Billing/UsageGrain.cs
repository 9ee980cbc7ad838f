using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>What one instance has served: one write a report.</summary>
[GrainType("usage")]
internal sealed class UsageGrain(
    [PersistentState("usage", GrainStorageNames.Database)] IPersistentState<ServedUsageRecord> state,
    TimeProvider clock
) : Grain, IUsageGrain
{
    private readonly Recorded<ServedUsageRecord> _usage = new(state);

    /// <inheritdoc/>
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

    /// <inheritdoc/>
    public Task<ServedUsageRecord> GetAsync()
    {
        if (!_usage.Value.Exists)
        {
            // Whoever guesses ids must not fill the memory.
            DeactivateOnIdle();
        }

        return Task.FromResult(_usage.Value);
    }
}
