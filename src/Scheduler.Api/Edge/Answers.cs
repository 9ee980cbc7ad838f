using Google.Protobuf.WellKnownTypes;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Api.Edge;

/// <summary>From a grain's answer to a value or an error, and small conversions every mapping needs.</summary>
internal static class Answers
{
    /// <summary>The value, or the refusal as an error about a resource. The wait ends with the caller's deadline.</summary>
    public static async Task<T> OrThrow<T>(
        this Task<Answer<T>> asked,
        string resource,
        CancellationToken cancellationToken
    )
        where T : class
    {
        var answer = await asked.WaitAsync(cancellationToken);
        return answer.IsOk ? answer.Value : throw new DoorException(DoorError.Of(answer.Refusal, resource));
    }

    /// <summary>A time, or nothing.</summary>
    public static Timestamp? ToProtoTime(this DateTimeOffset? time) =>
        time is { } at ? Timestamp.FromDateTimeOffset(at) : null;

    /// <summary>A time.</summary>
    public static Timestamp ToProtoTime(this DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);

    /// <summary>The text of an id that may be missing from an old record.</summary>
    public static string Text(this RequestId id) => id.Value ?? "";
}
