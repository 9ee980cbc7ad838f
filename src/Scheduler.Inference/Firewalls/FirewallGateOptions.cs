using System.ComponentModel.DataAnnotations;

namespace Scheduler.Inference.Firewalls;

/// <summary>How this door asks judges, section <c>Inference:Firewalls</c>.</summary>
public sealed class FirewallGateOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Inference:Firewalls";

    /// <summary>After which part of a firewall's deadline a silent judge is asked a second time, while too little is known of its latency.</summary>
    /// <value>0.5</value>
    [Range(0.05, 1.0)]
    public double HedgeAfter { get; set; } = 0.5;

    /// <summary>Second calls for every hundred first ones, in the long run: a judge that is slow because it has too much to do must not get twice as much.</summary>
    /// <value>10; 0 for none</value>
    [Range(0, 100)]
    public int HedgePercent { get; set; } = 10;

    /// <summary>Verdicts that are remembered, of all accounts.</summary>
    /// <value>20000; 0 for none</value>
    [Range(0, 1_000_000)]
    public int RememberedVerdicts { get; set; } = 20_000;

    /// <summary>How long a verdict is remembered, seconds.</summary>
    /// <value>300</value>
    [Range(1, 86_400)]
    public int RememberedSeconds { get; set; } = 300;

    /// <summary>Texts of audit firewalls that are judged at once.</summary>
    /// <value>16</value>
    [Range(1, 1_000)]
    public int AuditsAtOnce { get; set; } = 16;

    /// <summary>Texts of audit firewalls that wait; beyond it they are recorded as not judged.</summary>
    /// <value>1000</value>
    [Range(1, 100_000)]
    public int AuditsWaiting { get; set; } = 1_000;

    /// <summary>Characters of all texts that wait; a character takes two bytes.</summary>
    /// <value>33554432</value>
    [Range(1_000_000, int.MaxValue)]
    public int AuditCharactersWaiting { get; set; } = 32 * 1024 * 1024;

    /// <summary>Evaluations that wait to be recorded; beyond it they are dropped and counted.</summary>
    /// <value>20000</value>
    [Range(100, 1_000_000)]
    public int EvaluationsWaiting { get; set; } = 20_000;
}
