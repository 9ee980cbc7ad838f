namespace Scheduler.Edge.Limits;

/// <summary>
/// The memory that requests of all callers may hold in this process: their bodies, what these become, and answers that
/// are held back. A request that does not fit is refused before its body is read.
/// </summary>
/// <remarks>
/// What a request has given back is still in memory until a full collection. A large part therefore counts until then,
/// so that held and freed bytes together never exceed the bound. When freed bytes are in the way of a request, the
/// budget asks for a collection.
/// </remarks>
internal sealed class MemoryBudget(long bound, IFullCollections collections, TimeProvider clock)
{
    /// <summary>Objects of this size are freed by full collections only, bytes (the runtime's limit is 85,000).</summary>
    private const long LargeBytes = 64 * 1024;

    /// <summary>A collection may take at most one part of this many of the time.</summary>
    private const int PartsOfTime = 10;

    private readonly Lock _gate = new();
    private long _held;
    private long _freed;
    private long _mostHeld;
    private int _seen;
    private long _nextAt;

    /// <summary>Bytes.</summary>
    public long Bound { get; } = bound;

    /// <summary>Bytes that requests hold now.</summary>
    public long Held
    {
        get
        {
            lock (_gate)
            {
                return _held;
            }
        }
    }

    /// <summary>A share of one key at most: the other half is for the others.</summary>
    public long BoundOfKey => Bound / 2;

    /// <param name="bytes">0 to <see cref="Bound"/>.</param>
    /// <returns>Whether they were taken.</returns>
    public bool TryTake(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            if (bytes > Bound - _held || (bytes > Bound - _held - _freed && !TryReclaim(bytes)))
            {
                return false;
            }

            _held += bytes;
            _mostHeld = Math.Max(_mostHeld, _held);
            return true;
        }
    }

    public void GiveBack(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _held);
            _held -= bytes;
            if (bytes >= LargeBytes)
            {
                ForgetCollected();
                _freed += bytes;
            }
        }
    }

    /// <summary>
    /// Gives memory back to the system if requests held much since the last call and hold little now.
    /// </summary>
    /// <param name="much">Bytes.</param>
    /// <returns>Whether it did.</returns>
    public bool TrimAfter(long much)
    {
        lock (_gate)
        {
            if (_mostHeld < much || _held > _mostHeld / PartsOfTime)
            {
                return false;
            }

            (_mostHeld, _freed) = (_held, 0);
        }

        collections.Trim();
        return true;
    }

    /// <summary>Needs the lock.</summary>
    private bool TryReclaim(long bytes)
    {
        ForgetCollected();
        var now = clock.GetTimestamp();
        if (bytes > Bound - _held - _freed && now >= _nextAt)
        {
            collections.Run();
            var end = clock.GetTimestamp();
            _nextAt = end + ((end - now) * PartsOfTime);
            ForgetCollected();
        }

        return bytes <= Bound - _held - _freed;
    }

    /// <summary>Needs the lock.</summary>
    private void ForgetCollected()
    {
        if (collections.Count is var count && count != _seen)
        {
            (_seen, _freed) = (count, 0);
        }
    }
}
