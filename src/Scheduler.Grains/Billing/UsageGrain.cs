using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;

namespace Scheduler.Grains.Billing;

/// <summary>The usage of one instance or one key: one write per report.</summary>
[GrainType("usage")]
internal sealed class UsageGrain(
    [PersistentState("usage", GrainStorageNames.Database)] IPersistentState<ServedUsageRecord> state,
    TimeProvider clock
) : Grain, IUsageGrain
{
    private readonly Recorded<ServedUsageRecord> _usage = new(state);

    public async Task ReportAsync(AccountId account, GatewayReport report, ServedUsage served)
    {
        var subject = this.GetPrimaryKeyString()[GrainKeys.UsagePrefix.Length..];
        var keyId = KeyToken.IsKeyId(subject) ? subject : null;
        var day = DateOnly.FromDateTime(clock.Now().UtcDateTime);
        var instance = keyId is null ? new InstanceId(subject) : default;
        var next = _usage.Value.With(account, instance, report, served, day);
        if (!ReferenceEquals(next, _usage.Value))
        {
            await _usage.WriteAsync(next with { KeyId = keyId }, this);
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
