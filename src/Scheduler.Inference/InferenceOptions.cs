using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Firewalls;

namespace Scheduler.Inference;

/// <summary>Limits and times of one gateway process; configuration section <c>Inference</c>.</summary>
public sealed class InferenceOptions
{
    public const string Section = "Inference";

    /// <summary>Longest body of a request, bytes; 1 KiB to 64 MiB.</summary>
    /// <value>4 MiB: about a million tokens of text.</value>
    [Range(1024, 64 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Longest answer that is buffered until complete, bytes; 0 to 64 MiB. If a runtime fails within this length, the
    /// client has received nothing, so another destination can be tried. Longer answers are sent as they arrive;
    /// streams always are.
    /// </summary>
    /// <value>1 MiB</value>
    [Range(0, 64 * 1024 * 1024)]
    public int MaxHeldAnswerBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// How long a runtime may take to the first byte and pause between bytes; 1 s to 24 h. A stream gets a comment every
    /// 10 s meanwhile. An answer without streaming gets nothing, so every proxy on the way must wait this long too.
    /// </summary>
    /// <value>10 min: a long answer without streaming arrives in one piece.</value>
    [DurationRange("00:00:01", "1.00:00:00")]
    public TimeSpan UpstreamTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Tokenizer timeout, after which a request is sent uncounted; 100 ms to a minute.</summary>
    /// <value>5 s</value>
    [DurationRange("00:00:00.100", "00:01:00")]
    public TimeSpan TokenizeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Long-run requests per second of one account key; 0 for no limit.</summary>
    /// <value>0: the limit on open requests bounds a client instead.</value>
    [Range(0, 100_000)]
    public int RequestsPerSecondPerKey { get; set; }

    /// <summary>Burst of requests of one account key where its rate is limited; 1 to 1,000,000.</summary>
    /// <value>1,000</value>
    [Range(1, 1_000_000)]
    public int RequestBurstPerKey { get; set; } = 1000;

    /// <summary>Open requests of one account key, each counted once for each MiB of body; 0 for no limit.</summary>
    /// <value>1,024</value>
    [Range(0, 1_000_000)]
    public int MaxRequestsPerKey { get; set; } = 1024;

    /// <summary>
    /// Open requests from this process to one instance; 1 to 100,000. Further ones are refused, so that a slow
    /// instance does not delay others.
    /// </summary>
    /// <value>512</value>
    [Range(1, 100_000)]
    public int MaxRequestsPerInstance { get; set; } = 512;

    /// <summary>Open requests of all callers in this process; 64 to 100,000.</summary>
    /// <value>4,096</value>
    [Range(64, 100_000)]
    public int MaxRequests { get; set; } = 4096;

    /// <summary>Requests queued while <see cref="MaxRequests"/> are open; 0 to 100,000.</summary>
    /// <value>0: streams take minutes, so waiting for one to end is pointless.</value>
    [Range(0, 100_000)]
    public int MaxQueuedRequests { get; set; }

    /// <summary>Longest wait in the queue before a request is refused; up to a minute.</summary>
    /// <value>2 s</value>
    [DurationRange("00:00:00.001", "00:01:00")]
    public TimeSpan MaxQueueWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Requests of all services that may wait for a replica in this process; 0 to 100,000. Each is open meanwhile and counts for
    /// <see cref="MaxRequests"/> and <see cref="MaxRequestsPerKey"/>.
    /// </summary>
    /// <value>1,024</value>
    [Range(0, 100_000)]
    public int MaxHeldRequests { get; set; } = 1024;

    /// <summary>Part of the memory of requests (section <c>Memory</c>) that waiting ones may keep, percent; 0 to 100.</summary>
    /// <value>50: the rest is for requests that are answered now.</value>
    [Range(0, 100)]
    public int HeldMemoryPercent { get; set; } = 50;

    /// <summary>Long-run requests per second without a valid key per address or IPv6 /64; 0: no limit.</summary>
    /// <value>20</value>
    [Range(0, 100_000)]
    public int UnknownPerSecondPerAddress { get; set; } = 20;

    /// <summary>Burst of requests without a valid key from one address; 1 to 1,000,000.</summary>
    /// <value>400</value>
    [Range(1, 1_000_000)]
    public int UnknownBurstPerAddress { get; set; } = 400;

    /// <summary>
    /// Origins of web pages that may call the gateway from a browser, like <c>https://chat.example.org</c>; <c>*</c> for
    /// every page. A page that calls the gateway holds a key that its visitors can read.
    /// </summary>
    /// <value>None: browsers refuse such calls.</value>
    public IList<string> CorsOrigins { get; set; } = [];

    /// <summary>Settings of the firewall judges.</summary>
    public FirewallGateOptions Firewalls { get; set; } = new();

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
