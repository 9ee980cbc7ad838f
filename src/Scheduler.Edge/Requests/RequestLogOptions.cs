using System.ComponentModel.DataAnnotations;

namespace Scheduler.Edge.Requests;

/// <summary>What one process keeps about answered requests; configuration section <c>Requests</c>.</summary>
public sealed class RequestLogOptions
{
    public const string Section = "Requests";

    /// <summary>
    /// Most requests without a refusal that are logged and stored each second; 0 to 100,000. Refusals are all logged
    /// and stored. Each process finds its latest requests in memory, also those that are not stored.
    /// </summary>
    /// <value>100: complete for a person or a small service, a sample under load.</value>
    [Range(0, 100_000)]
    public int SuccessesPerSecond { get; set; } = 100;

    /// <summary>Requests in memory that wait for the store; 100 to 1,000,000. Further ones are lost and counted.</summary>
    /// <value>10,000</value>
    [Range(100, 1_000_000)]
    public int MostWaiting { get; set; } = 10_000;
}
