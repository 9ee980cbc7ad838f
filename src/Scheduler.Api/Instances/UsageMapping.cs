using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Api.Instances;

internal static class UsageMapping
{
    public static V1.InstanceUsage ToProto(this ServedUsageRecord record, string name)
    {
        var proto = new V1.InstanceUsage { Name = name, Total = ToProto(record.Total) };
        proto.Days.AddRange(record.Days.Select(ToProto));
        return proto;
    }

    public static V1.KeyUsage ToKeyProto(this ServedUsageRecord record, string name)
    {
        var proto = new V1.KeyUsage { Name = name, Total = ToProto(record.Total) };
        proto.Days.AddRange(record.Days.Select(ToProto));
        return proto;
    }

    private static V1.ServedDay ToProto(ServedDay day) =>
        new() { Day = day.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Served = ToProto(day.Served) };

    private static V1.Served ToProto(ServedUsage served) =>
        new()
        {
            Requests = served.Requests,
            PromptTokens = served.PromptTokens,
            CompletionTokens = served.CompletionTokens,
        };
}
