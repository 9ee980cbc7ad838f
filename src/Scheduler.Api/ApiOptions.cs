using System.ComponentModel.DataAnnotations;
using Scheduler.Edge;
using Scheduler.Edge.Limits;

namespace Scheduler.Api;

/// <summary>Limits of the front door; configuration section <c>Api</c>. All are of one process: n doors allow n times as much.</summary>
public sealed class ApiOptions
{
    /// <summary>Where the settings lie.</summary>
    public const string Section = "Api";

    private const int MostPerSecond = 100_000;
    private const int MostAtOnce = 1_000_000;

    /// <summary>Longest body of a request, bytes; 1 KiB to 16 MiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Longest body of a model registration, bytes; 1 MiB to 64 MiB. A GGUF header of 16 MiB is a third longer as base64 in JSON.
    /// </summary>
    [Range(1024 * 1024, 64 * 1024 * 1024)]
    public int MaxModelBodyBytes { get; set; } = 24 * 1024 * 1024;

    /// <summary>Requests a second of one account key in the long run; 0 is no limit.</summary>
    /// <value>200: twenty times what a busy client of a fleet sends, a tenth of what a door answers.</value>
    [Range(0, MostPerSecond)]
    public int RequestsPerSecondPerKey { get; set; } = 200;

    /// <summary>Requests of one account key at once, after a silence, 1 to 1,000,000.</summary>
    /// <value>400: the start of a fleet in one go.</value>
    [Range(1, MostAtOnce)]
    public int RequestBurstPerKey { get; set; } = 400;

    /// <summary>Requests of one account key under way at once, watch streams apart; 0 is no limit.</summary>
    /// <value>256: an eighth of <see cref="MaxRequests"/>, so that no key fills the door.</value>
    [Range(0, MostAtOnce)]
    public int MaxRequestsPerKey { get; set; } = 256;

    /// <summary>Watch streams one account key may have open, 1 to 10,000.</summary>
    /// <value>64</value>
    [Range(1, 10_000)]
    public int MaxWatchStreamsPerKey { get; set; } = 64;

    /// <summary>Requests a second of one operator key in the long run; 0 is no limit.</summary>
    /// <value>0: whoever has one can stop the scheduler anyway, and tools that act for all accounts send through one.</value>
    [Range(0, MostPerSecond)]
    public int RequestsPerSecondPerOperatorKey { get; set; }

    /// <summary>Requests of one operator key at once, where its rate is limited, 1 to 1,000,000.</summary>
    /// <value>400</value>
    [Range(1, MostAtOnce)]
    public int RequestBurstPerOperatorKey { get; set; } = 400;

    /// <summary>Requests of one operator key under way at once, watch streams apart; 0 is no limit.</summary>
    /// <value>0: what bounds it is <see cref="MaxRequests"/>.</value>
    [Range(0, MostAtOnce)]
    public int MaxRequestsPerOperatorKey { get; set; }

    /// <summary>Watch streams one operator key may have open, 1 to 10,000.</summary>
    /// <value>1,024: a tool that follows the instances of all accounts.</value>
    [Range(1, 10_000)]
    public int MaxWatchStreamsPerOperatorKey { get; set; } = 1024;

    /// <summary>
    /// Requests without a good key a second from one address (IPv6: from one /64) in the long run; 0 is no limit. Beyond it only keys that
    /// were good at this door within <see cref="KeyLimits.RememberedFor"/> are let in from there.
    /// </summary>
    /// <value>20: nothing to someone who guesses 256 bits, enough for people who mistype.</value>
    [Range(0, MostPerSecond)]
    public int UnknownPerSecondPerAddress { get; set; } = 20;

    /// <summary>Requests without a good key at once from one address, after a silence, 1 to 1,000,000.</summary>
    /// <value>400: a fleet of clients behind one address whose key was revoked still reads why.</value>
    [Range(1, MostAtOnce)]
    public int UnknownBurstPerAddress { get; set; } = 400;

    /// <summary>
    /// Requests of all callers under way in this process, watch streams apart, 64 to 100,000. One stands for 1 MiB of body: a method that
    /// takes more counts as several.
    /// </summary>
    /// <value>2,048: at most 2 GiB of bodies, and beyond it answers become slower and not more.</value>
    [Range(64, 100_000)]
    public int MaxRequests { get; set; } = 2048;

    /// <summary>Requests that wait for their turn when <see cref="MaxRequests"/> are under way, 0 to 100,000; further ones are refused.</summary>
    /// <value>2,048: about a second's work.</value>
    [Range(0, 100_000)]
    public int MaxQueuedRequests { get; set; } = 2048;

    /// <summary>How long a request waits for its turn before it is refused, up to a minute.</summary>
    /// <value>2 s: callers who wait longer have given up and ask again.</value>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan MaxQueueWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Watch streams of all callers in this process, 1 to 1,000,000.</summary>
    /// <value>20,000: each keeps a call to a grain open.</value>
    [Range(1, MostAtOnce)]
    public int MaxWatchStreams { get; set; } = 20_000;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
    public IEnumerable<string> Faults() => RangeFaults.Of(Section, this);

    /// <summary>What the door counts by.</summary>
    internal LimitSettings Limits() =>
        new()
        {
            Account = new KeyLimits.Limits(
                new Rate(RequestsPerSecondPerKey, RequestBurstPerKey),
                MaxRequestsPerKey,
                MaxWatchStreamsPerKey
            ),
            Operator = new KeyLimits.Limits(
                new Rate(RequestsPerSecondPerOperatorKey, RequestBurstPerOperatorKey),
                MaxRequestsPerOperatorKey,
                MaxWatchStreamsPerOperatorKey
            ),
            Unknown = new Rate(UnknownPerSecondPerAddress, UnknownBurstPerAddress),
            Requests = MaxRequests,
            Queued = MaxQueuedRequests,
            QueueWait = MaxQueueWait,
            Streams = MaxWatchStreams,
        };
}
