using Google.Protobuf.WellKnownTypes;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Api.Edge;

/// <summary>Converts a grain's answer to a value or an error, plus small conversions for the mappings.</summary>
internal static class Answers
{
    /// <summary>
    /// Returns the value, or throws the refusal as an error about the resource. The wait ends with the caller's
    /// deadline.
    /// </summary>
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

    public static Timestamp? ToProtoTime(this DateTimeOffset? time) =>
        time is { } at ? Timestamp.FromDateTimeOffset(at) : null;

    public static Timestamp ToProtoTime(this DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);

    /// <summary>Empty for an id that is missing from an old record.</summary>
    public static string Text(this RequestId id) => id.Value ?? "";
}
