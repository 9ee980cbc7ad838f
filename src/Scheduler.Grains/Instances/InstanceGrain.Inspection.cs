using Scheduler.Domain.Failures;

namespace Scheduler.Grains.Instances;

/// <summary>What Orleans' own dashboard shows of it.</summary>
internal sealed partial class InstanceGrain
{
    /// <inheritdoc/>
    public Task<InstanceGlance> GetState()
    {
        var record = _recorded;
        return Task.FromResult(
            record.Exists
                ? new InstanceGlance
                {
                    Exists = true,
                    Account = record.Account.Value,
                    ServingName = record.ServingName,
                    State = record.State.ToString(),
                    StateSince = record.StateSince,
                    Generation = record.Generation,
                    Run = record.Run,
                    Attempt = record.Attempt,
                    Route = record.Intent?.Offer.Route.ToString(),
                    FailureCode = record.Failure?.Failure.Code.WireName(),
                    Owed = record.Debts.Length,
                    WakeAt = record.WakeAt,
                    RequestId = record.RequestId.Value,
                }
                : new InstanceGlance()
        );
    }
}
