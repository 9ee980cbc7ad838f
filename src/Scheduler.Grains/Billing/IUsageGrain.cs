using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Billing;

/// <summary>Counts the requests and tokens of one instance or one key, from the reports of the gateways.</summary>
[Alias("scheduler.IUsageGrain")]
[GrainInterfaceType("scheduler.usage")]
public interface IUsageGrain : IGrainWithStringKey
{
    /// <summary>Adds a report; a repeated one has no effect.</summary>
    /// <param name="served">The usage since the previous report of the same gateway.</param>
    [Alias("Report")]
    Task ReportAsync(AccountId account, GatewayReport report, ServedUsage served);

    /// <summary>The recorded usage; zero before the first report.</summary>
    [Alias("Get"), AlwaysInterleave]
    Task<ServedUsageRecord> GetAsync();
}
