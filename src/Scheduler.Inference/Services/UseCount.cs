namespace Scheduler.Inference.Services;

/// <summary>Counts the users of an object that may be dropped while it has none. Lock-free.</summary>
internal sealed class UseCount
{
    private const int Closed = int.MinValue / 2;

    private int _users;

    public int Value => Math.Max(0, Volatile.Read(ref _users));

    /// <returns>False after <see cref="TryClose"/>: a new object must be used.</returns>
    public bool TryEnter() => Interlocked.Increment(ref _users) > 0;

    public void Leave() => Interlocked.Decrement(ref _users);

    /// <summary>Ends the use if there is no user.</summary>
    public bool TryClose() => Interlocked.CompareExchange(ref _users, Closed, 0) == 0;
}
