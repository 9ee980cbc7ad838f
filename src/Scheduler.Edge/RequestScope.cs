using System.Collections;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>
/// The data of one request. It is also the log scope, so that values set later (the caller) appear on the following log
/// lines.
/// </summary>
internal sealed class RequestScope(RequestId id, string? correlationId) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>On every response: the id that the server created.</summary>
    public const string IdHeader = "X-Request-Id";

    /// <summary>Where a caller without <see cref="IdHeader"/> may send its own id; OpenAI's clients use it.</summary>
    public const string ClientIdHeader = "X-Client-Request-Id";

    /// <summary>On a response to a caller that sent a well-formed id: that id.</summary>
    public const string CorrelationHeader = "X-Correlation-Id";

    private const int LongestCorrelation = 128;

    public RequestId Id { get; } = id;

    /// <summary>The caller's own id, if it is well formed.</summary>
    public string? CorrelationId { get; } = correlationId;

    /// <summary>Null before the key is verified, and for methods that need no key.</summary>
    public Caller? Caller { get; set; }

    /// <summary>
    /// The HTTP status of the response, if it differs from the one that transcoding derives from the gRPC status.
    /// </summary>
    public int? HttpStatus { get; set; }

    /// <summary>Whether a gRPC message was read and reached its method.</summary>
    public bool ReachedService { get; set; }

    /// <summary>Value of the Retry-After header.</summary>
    public TimeSpan? RetryAfter { get; set; }

    /// <summary>The rest of the key's rate; null if it has no limit.</summary>
    public RateLeft? Rate { get; set; }

    /// <summary>What the request holds of the memory budget; null before it is admitted.</summary>
    public MemoryShare? Memory { get; set; }

    /// <summary>What is kept about the request after its answer.</summary>
    public RequestNotes Notes { get; } = new();

    /// <summary>Validation errors: first those of the HTTP format, then those of the request's own rules.</summary>
    public Faults Faults { get; } = new();

    public int Count => 4;

    public KeyValuePair<string, object?> this[int index] =>
        index switch
        {
            0 => new("RequestId", Id.Value),
            1 => new("CorrelationId", CorrelationId),
            2 => new("KeyId", Caller?.KeyId),
            3 => new("Account", Caller?.Account?.Value),
            _ => throw new ArgumentOutOfRangeException(nameof(index), index, "0 to 3"),
        };

    public static RequestScope Of(string? callersId) =>
        new(
            new RequestId("req-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 26)),
            IsWellFormed(callersId) ? callersId : null
        );

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    public override string ToString() => $"RequestId:{Id}";

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsWellFormed(string? id) =>
        id is { Length: > 0 and <= LongestCorrelation }
        && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}

internal static class RequestScopeExtensions
{
    public static RequestScope Scope(this HttpContext http) =>
        http.Features.Get<RequestScope>()
        ?? throw new InvalidOperationException("The request has no scope; UseRequestScope must come first.");
}

internal static class Durations
{
    /// <summary>
    /// Whole seconds for a header, rounded up, so that a caller that waits this long has waited enough.
    /// </summary>
    public static string WholeSeconds(this TimeSpan time) =>
        ((long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
