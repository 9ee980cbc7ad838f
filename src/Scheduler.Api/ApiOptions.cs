using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;
using Scheduler.Edge.Limits;

namespace Scheduler.Api;

/// <summary>
/// Limits of the API; configuration section <c>Api</c>. Each process counts its own requests: n processes together
/// allow n times as much.
/// </summary>
public sealed class ApiOptions : ICheckedSettings
{
    public const string Section = "Api";

    private const int MostPerSecond = 100_000;
    private const int MostAtOnce = 1_000_000;

    /// <summary>
    /// Host names that requests may name, for example <c>scheduler.example</c>, or <c>*.example</c> for every name below; for API, gateway and
    /// dashboard. Set it if browsers reach the dashboard without a proxy that checks the name.
    /// </summary>
    /// <value>Empty: every name.</value>
    public IList<string> AllowedHosts { get; set; } = [];

    /// <summary>Longest body of a request, bytes; 1 KiB to 16 MiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Longest body of a model registration, bytes; 1 MiB to 64 MiB. A GGUF header of 16 MiB is a third longer as
    /// base64 in JSON.
    /// </summary>
    [Range(1024 * 1024, 64 * 1024 * 1024)]
    public int MaxModelBodyBytes { get; set; } = 24 * 1024 * 1024;

    /// <summary>Requests per second of one account key, on average; 0 is no limit.</summary>
    /// <value>200: twenty times the rate of a busy fleet client, a tenth of the throughput of one process.</value>
    [Range(0, MostPerSecond)]
    public int RequestsPerSecondPerKey { get; set; } = 200;

    /// <summary>Burst of requests of one account key after an idle time, 1 to 1,000,000.</summary>
    /// <value>400: enough to start a whole fleet in one burst.</value>
    [Range(1, MostAtOnce)]
    public int RequestBurstPerKey { get; set; } = 400;

    /// <summary>Requests of one account key in progress, without watch streams; 0 is no limit.</summary>
    /// <value>256: an eighth of <see cref="MaxRequests"/>, so that no key can use the whole limit.</value>
    [Range(0, MostAtOnce)]
    public int MaxRequestsPerKey { get; set; } = 256;

    /// <summary>Open watch streams of one account key, 1 to 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxWatchStreamsPerKey { get; set; } = 64;

    /// <summary>Requests per second of one operator key, on average; 0 is no limit.</summary>
    /// <value>
    /// 0: an operator key can stop the scheduler anyway, and tools that act for all accounts use one key.
    /// </value>
    [Range(0, MostPerSecond)]
    public int RequestsPerSecondPerOperatorKey { get; set; }

    /// <summary>
    /// Burst of requests of one operator key after an idle time, if its rate is limited, 1 to 1,000,000.
    /// </summary>
    [Range(1, MostAtOnce)]
    public int RequestBurstPerOperatorKey { get; set; } = 400;

    /// <summary>Requests of one operator key in progress, without watch streams; 0 is no limit.</summary>
    /// <value>0: <see cref="MaxRequests"/> is the bound.</value>
    [Range(0, MostAtOnce)]
    public int MaxRequestsPerOperatorKey { get; set; }

    /// <summary>Open watch streams of one operator key, 1 to 10,000.</summary>
    /// <value>1,024: enough for a tool that watches the instances of all accounts.</value>
    [Range(1, 10_000)]
    public int MaxWatchStreamsPerOperatorKey { get; set; } = 1024;

    /// <summary>
    /// Requests per second without a valid key from one address (IPv6: from one /64), on average; 0 is no limit. Above
    /// it, the address may only use keys that were valid in this process within <see cref="KeyLimits.RememberedFor"/>.
    /// </summary>
    /// <value>20: useless for guessing 256 bits, enough for typing errors.</value>
    [Range(0, MostPerSecond)]
    public int UnknownPerSecondPerAddress { get; set; } = 20;

    /// <summary>Burst of requests without a valid key from one address after an idle time, 1 to 1,000,000.</summary>
    /// <value>400: if a key is revoked, all clients of a fleet behind one address still get the reason.</value>
    [Range(1, MostAtOnce)]
    public int UnknownBurstPerAddress { get; set; } = 400;

    /// <summary>
    /// Requests of all callers in progress in this process, without watch streams, 64 to 100,000. The unit is 1 MiB of
    /// body: a method that accepts a longer body counts as several requests.
    /// </summary>
    /// <value>2,048: at most 2 GiB of bodies. More requests in parallel add latency but no throughput.</value>
    [Range(64, 100_000)]
    public int MaxRequests { get; set; } = 2048;

    /// <summary>
    /// Requests queued while <see cref="MaxRequests"/> are in progress, 0 to 100,000; further ones are refused.
    /// </summary>
    /// <value>2,048: about one second of work.</value>
    [Range(0, 100_000)]
    public int MaxQueuedRequests { get; set; } = 2048;

    /// <summary>Longest wait of a request in the queue before it is refused, up to a minute.</summary>
    /// <value>2 s: callers that wait longer have usually given up and retried.</value>
    [DurationRange("00:00:00.001", "00:01:00")]
    public TimeSpan MaxQueueWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Watch streams of all callers in this process, 1 to 1,000,000.</summary>
    /// <value>20,000: each stream keeps one grain call open.</value>
    [Range(1, MostAtOnce)]
    public int MaxWatchStreams { get; set; } = 20_000;

    /// <summary>Whether gRPC reflection tells the methods and messages of the API, without a key.</summary>
    /// <value>true: the same text is in the repository and at <c>/openapi/v1.json</c>.</value>
    public bool Reflection { get; set; } = true;

    public IEnumerable<SettingFault> Check(string section)
    {
        for (var i = 0; i < AllowedHosts.Count; i++)
        {
            var host = AllowedHosts[i];
            var name = host.StartsWith(Pipeline.AllowedHosts.AnyBelow, StringComparison.Ordinal) ? host[2..] : host;
            if (Uri.CheckHostName(name) == UriHostNameType.Unknown)
            {
                yield return new SettingFault(
                    $"{section}:{nameof(AllowedHosts)}:{i}",
                    host,
                    "host names without scheme and port, or *. and a domain"
                );
            }
        }
    }

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
