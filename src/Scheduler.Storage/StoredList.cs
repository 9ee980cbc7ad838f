using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Scheduler.Storage;

/// <summary>Reads the states of a list. One that cannot be read stops only itself (INV-14): it is left out, and logged.</summary>
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
