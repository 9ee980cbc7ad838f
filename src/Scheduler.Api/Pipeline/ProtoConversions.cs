using Google.Protobuf.WellKnownTypes;
using Scheduler.Domain.Ids;

namespace Scheduler.Api.Pipeline;

/// <summary>Small conversions for the mappings.</summary>
internal static class ProtoConversions
{
    public static Timestamp? ToProtoTime(this DateTimeOffset? time) =>
        time is { } at ? Timestamp.FromDateTimeOffset(at) : null;

    public static Timestamp ToProtoTime(this DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);

    /// <summary>Empty for an id that is missing from an old record.</summary>
    public static string Text(this RequestId id) => id.Value ?? "";
}
