namespace Scheduler.Domain.Storage;

/// <summary>
/// Which grains must be woken and when. Filled from <see cref="IStoredState.WakeAt"/> in the write itself, so a deadline can
/// never be lost apart from its state. Costs nothing for grains that wait for nothing.
/// </summary>
public interface IAgenda
{
    /// <summary>What is due, earliest first.</summary>
    /// <param name="now">The present.</param>
    /// <param name="share">The part of the agenda that is asked for.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<AgendaItem>> DueAsync(
        DateTimeOffset now,
        AgendaShare share,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Strikes out or moves items whose grain said when it wants to be woken next. An item whose time changed since it was read
    /// (the grain wrote again) is left alone.
    /// </summary>
    /// <param name="answers">The item as read, and the next time; null strikes it out.</param>
    /// <param name="cancellationToken">Cancels the write.</param>
    Task SettleAsync(
        IReadOnlyList<(AgendaItem Item, DateTimeOffset? Next)> answers,
        CancellationToken cancellationToken
    );
}

/// <summary>One wake-up.</summary>
/// <param name="Kind">The grain state's name.</param>
/// <param name="Id">The grain's key.</param>
/// <param name="WakeAt">When, to the millisecond.</param>
public sealed record AgendaItem(string Kind, string Id, DateTimeOffset WakeAt);

/// <summary>One part of the agenda: several keepers divide it, so that each wake-up is done once.</summary>
/// <param name="Index">Which part, from 0.</param>
/// <param name="Of">How many parts there are, from 1.</param>
public sealed record AgendaShare(int Index, int Of)
{
    /// <summary>The whole agenda.</summary>
    public static AgendaShare Whole { get; } = new(0, 1);
}
