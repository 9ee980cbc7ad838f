using System.Collections;
using System.Security.Cryptography;
using Scheduler.Domain.Ids;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>
/// What is known of one request from the first byte to the last log line. It is the log scope itself, so what is found out later (the
/// caller) is on the lines that follow.
/// </summary>
internal sealed class RequestScope(RequestId id, string? correlationId) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>On every response: the server-made id.</summary>
    public const string IdHeader = "X-Request-Id";

    /// <summary>On every response to a caller who sent a well-formed id: that id.</summary>
    public const string CorrelationHeader = "X-Correlation-Id";

    private const int LongestCorrelation = 128;

    /// <summary>The server-made id.</summary>
    public RequestId Id { get; } = id;

    /// <summary>The caller's own id, if well formed.</summary>
    public string? CorrelationId { get; } = correlationId;

    /// <summary>Who it is; null before the doorman looked, and where no key is needed.</summary>
    public Caller? Caller { get; set; }

    /// <summary>The HTTP status of the answer where it is not what transcoding makes of the gRPC status.</summary>
    public int? HttpStatus { get; set; }

    /// <summary>When trying again makes sense; becomes the Retry-After header.</summary>
    public TimeSpan? RetryAfter { get; set; }

    /// <summary>What is left of the key's rate; null where it has no limit.</summary>
    public RateLeft? Rate { get; set; }

    /// <summary>What the strict reading of the HTTP request found; the request's own rules add to it.</summary>
    public Faults Faults { get; } = new();

    /// <inheritdoc/>
    public int Count => 4;

    /// <inheritdoc/>
    public KeyValuePair<string, object?> this[int index] =>
        index switch
        {
            0 => new("RequestId", Id.Value),
            1 => new("CorrelationId", CorrelationId),
            2 => new("KeyId", Caller?.KeyId),
            3 => new("Account", Caller?.Account?.Value),
            _ => throw new ArgumentOutOfRangeException(nameof(index), index, "0 to 3"),
        };

    /// <summary>The scope of a request that has just come in.</summary>
    public static RequestScope Of(string? callersId) =>
        new(
            new RequestId("req-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 26)),
            IsWellFormed(callersId) ? callersId : null
        );

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"RequestId:{Id}";

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsWellFormed(string? id) =>
        id is { Length: > 0 and <= LongestCorrelation }
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
