using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>Counts what one instance serves, from the reports of the doors.</summary>
[Alias("scheduler.IUsageGrain")]
[GrainInterfaceType("scheduler.usage")]
public interface IUsageGrain : IGrainWithStringKey
{
    /// <summary>Takes a report; the same one again is harmless.</summary>
    /// <param name="account">Whose the instance is.</param>
    /// <param name="report">Which door's report.</param>
    /// <param name="served">What was served since that door's report before.</param>
    [Alias("Report")]
    Task ReportAsync(AccountId account, GatewayReport report, ServedUsage served);

    /// <summary>What is recorded; nothing served where nothing was reported.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<ServedUsageRecord> GetAsync();
}
