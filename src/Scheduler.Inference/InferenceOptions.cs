using System.ComponentModel.DataAnnotations;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Firewalls;

namespace Scheduler.Inference;

/// <summary>Limits and times of the inference plane; configuration section <c>Inference</c>. All are of one process.</summary>
public sealed class InferenceOptions
{
    /// <summary>Where the settings lie.</summary>
    public const string Section = "Inference";

    /// <summary>Longest body of a request, bytes; 1 KiB to 64 MiB.</summary>
    /// <value>4 MiB: about a million tokens of text.</value>
    [Range(1024, 64 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Longest answer that is kept until it is whole, bytes; 0 to 64 MiB. A runtime that dies within it has sent nothing to the client, so
    /// another may be asked; longer answers go on as they come. Streams always do.
    /// </summary>
    /// <value>1 MiB</value>
    [Range(0, 64 * 1024 * 1024)]
    public int MaxHeldAnswerBytes { get; set; } = 1024 * 1024;

    /// <summary>How long a runtime may take to its first byte, and be silent between two; 1 s to 24 h.</summary>
    /// <value>10 min: a long answer that is not streamed comes in one piece.</value>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan UpstreamTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a runtime's tokenizer may take before the request is sent on uncounted; 100 ms to a minute.</summary>
    /// <value>5 s</value>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan TokenizeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests a second of one account key in the long run; 0 is no limit.</summary>
    /// <value>0: what bounds a client is how many requests it may have under way.</value>
    [Range(0, 100_000)]
    public int RequestsPerSecondPerKey { get; set; }

    /// <summary>Requests of one account key at once, where its rate is limited, 1 to 1,000,000.</summary>
    /// <value>1,000</value>
    [Range(1, 1_000_000)]
    public int RequestBurstPerKey { get; set; } = 1000;

    /// <summary>Requests of one account key under way at once, each counted once for each MiB of body; 0 is no limit.</summary>
    /// <value>1,024</value>
    [Range(0, 1_000_000)]
    public int MaxRequestsPerKey { get; set; } = 1024;

    /// <summary>Requests under way at one instance from this door; 1 to 100,000. Further ones are refused, so that a slow one holds no others up.</summary>
    /// <value>512</value>
    [Range(1, 100_000)]
    public int MaxRequestsPerInstance { get; set; } = 512;

    /// <summary>Requests of all callers under way in this process, 64 to 100,000.</summary>
    /// <value>4,096</value>
    [Range(64, 100_000)]
    public int MaxRequests { get; set; } = 4096;

    /// <summary>Requests that wait for their turn when <see cref="MaxRequests"/> are under way, 0 to 100,000.</summary>
    /// <value>0: who would wait for streams of minutes is told so at once.</value>
    [Range(0, 100_000)]
    public int MaxQueuedRequests { get; set; }

    /// <summary>How long a request waits for its turn before it is refused, up to a minute.</summary>
    /// <value>2 s</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan MaxQueueWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Requests without a good key a second from one address (IPv6: from one /64) in the long run; 0 is no limit.</summary>
    /// <value>20</value>
    [Range(0, 100_000)]
    public int UnknownPerSecondPerAddress { get; set; } = 20;

    /// <summary>Requests without a good key at once from one address, after a silence, 1 to 1,000,000.</summary>
    /// <value>400</value>
    [Range(1, 1_000_000)]
    public int UnknownBurstPerAddress { get; set; } = 400;

    /// <summary>How judges are asked.</summary>
    public FirewallGateOptions Firewalls { get; set; } = new();

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults() =>
        RangeFaults.Of(Section, this).Concat(RangeFaults.Of(FirewallGateOptions.Section, Firewalls));

    /// <summary>What the door counts by.</summary>
    internal LimitSettings Limits()
    {
        var rate = new Rate(RequestsPerSecondPerKey, RequestBurstPerKey);
        return new LimitSettings
        {
            Account = new KeyLimits.Limits(rate, MaxRequestsPerKey, MaxRequestsPerKey),
            Operator = new KeyLimits.Limits(new Rate(0, 1), 0, 0),
            Unknown = new Rate(UnknownPerSecondPerAddress, UnknownBurstPerAddress),
            Requests = MaxRequests,
            Queued = MaxQueuedRequests,
            QueueWait = MaxQueueWait,
            Streams = MaxRequests,
        };
    }
}
