using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;

namespace Scheduler.Api.Instances;

/// <summary>Text form of the end of a page of instances: UTC ticks, a slash, the id.</summary>
internal static class InstancePaging
{
    public static string Format(InstanceCursor cursor) =>
        string.Create(CultureInfo.InvariantCulture, $"{cursor.CreatedAt.UtcTicks}/{cursor.Id}");

    public static bool TryParse(string text, [NotNullWhen(true)] out InstanceCursor? cursor)
    {
        cursor = null;
        if (
            text.Split('/') is not [var ticksText, var id]
            || !long.TryParse(ticksText, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            || ticks > DateTimeOffset.MaxValue.Ticks
            || !Grammar.IsInstanceId(id)
        )
        {
            return false;
        }

        cursor = new InstanceCursor(new DateTimeOffset(ticks, TimeSpan.Zero), new InstanceId(id));
        return true;
    }

    /// <summary>The cursor of a validated token; null for the first page.</summary>
    public static InstanceCursor? Of(string text) => text.Length > 0 && TryParse(text, out var cursor) ? cursor : null;
}
