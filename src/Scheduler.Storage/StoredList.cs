using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Scheduler.Storage;

/// <summary>An unreadable state is logged and omitted; the other states are returned (INV-14).</summary>
internal static class StoredList
{
    public static ImmutableArray<T> Read<T>(
        string kind,
        IReadOnlyCollection<(string Id, byte[] Payload)> rows,
        ILogger logger
    )
        where T : class
    {
        var states = ImmutableArray.CreateBuilder<T>(rows.Count);
        foreach (var (id, payload) in rows)
        {
            try
            {
                states.Add(StateSerializer.Read<T>(payload));
            }
            catch (UnreadableStateException exception)
            {
                logger.SkippedUnreadable(exception, kind, id);
            }
        }

        return states.ToImmutable();
    }
}
