namespace Scheduler.Domain.Storage;

/// <summary>
/// The wake-up times of grains. The store fills it from <see cref="IStoredState.WakeAt"/> in the same write as the
/// state, so a deadline cannot be lost. A grain that waits for nothing has no entry and costs nothing.
/// </summary>
public interface IAgenda
{
    /// <summary>Due items, earliest first.</summary>
    Task<IReadOnlyList<AgendaItem>> DueAsync(
        DateTimeOffset now,
        AgendaShare share,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Removes or moves items after their grains returned the next wake-up time. An item whose time changed since it
    /// was read (the grain wrote again) stays unchanged.
    /// </summary>
    /// <param name="answers">The item as read, and its next time; null removes the item.</param>
    Task SettleAsync(
        IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers,
        CancellationToken cancellationToken
    );
}

/// <param name="Kind">The grain state's name.</param>
/// <param name="WakeAt">Accurate to the millisecond.</param>
public sealed record AgendaItem(string Kind, string Id, DateTimeOffset WakeAt);

/// <summary>One part of the agenda. Several loops divide the agenda, so that each wake-up happens once.</summary>
/// <param name="Index">Index of the part, from 0.</param>
/// <param name="Of">Number of parts, from 1.</param>
public sealed record AgendaShare(int Index, int Of)
{
    public static AgendaShare Whole { get; } = new(0, 1);
}
