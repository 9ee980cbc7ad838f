using System.ComponentModel.DataAnnotations;

namespace Scheduler.Inference.Firewalls;

/// <summary>How judges are asked; configuration section <c>Inference:Firewalls</c>.</summary>
public sealed class FirewallGateOptions
{
    /// <summary>
    /// Share of a firewall's deadline after which a silent judge gets a second call. Applies until enough latencies
    /// of the judge are known.
    /// </summary>
    /// <value>0.5</value>
    [Range(0.05, 1.0)]
    public double HedgeAfter { get; set; } = 0.5;

    /// <summary>
    /// Second calls per hundred first calls in the long run. The limit keeps an overloaded judge from getting twice
    /// the load.
    /// </summary>
    /// <value>10; 0 for none</value>
    [Range(0, 100)]
    public int HedgePercent { get; set; } = 10;

    /// <summary>Most verdicts in the cache, all accounts together.</summary>
    /// <value>20000; 0 for none</value>
    [Range(0, 1_000_000)]
    public int RememberedVerdicts { get; set; } = 20_000;

    /// <summary>Lifetime of a cached verdict, seconds.</summary>
    /// <value>300</value>
    [Range(1, 86_400)]
    public int RememberedSeconds { get; set; } = 300;

    /// <summary>
    /// What a firewall in block mode does with members of a body that no supported runtime knows. Other modes pass
    /// them.
    /// </summary>
    /// <value>Refuse</value>
    [EnumDataType(typeof(UnknownMembers))]
    public UnknownMembers UnknownMembers { get; set; } = UnknownMembers.Refuse;

    /// <summary>Texts of audit firewalls judged at once.</summary>
    /// <value>16</value>
    [Range(1, 1_000)]
    public int AuditsAtOnce { get; set; } = 16;

    /// <summary>Most texts of audit firewalls in the queue; further ones are recorded as not judged.</summary>
    /// <value>1000</value>
    [Range(1, 100_000)]
    public int AuditsWaiting { get; set; } = 1_000;

    /// <summary>Most characters of all queued texts; a character takes two bytes.</summary>
    /// <value>33554432</value>
    [Range(1_000_000, int.MaxValue)]
    public int AuditCharactersWaiting { get; set; } = 32 * 1024 * 1024;

    /// <summary>Most evaluations in the queue; further ones are dropped and counted.</summary>
    /// <value>20000</value>
    [Range(100, 1_000_000)]
    public int EvaluationsWaiting { get; set; } = 20_000;
}

/// <summary>What happens to unknown members of a body in block mode.</summary>
public enum UnknownMembers
{
    /// <summary>The request is refused with 400; the answer names the members.</summary>
    Refuse = 0,

    /// <summary>The runtime gets the body without the members.</summary>
    Drop = 1,
}
