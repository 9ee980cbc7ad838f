using Scheduler.Domain.Services;

namespace Scheduler.Inference.Services;

/// <summary>How many requests this process may hold for all services, and how much memory they may keep.</summary>
/// <param name="mostRequests">At least 0.</param>
/// <param name="mostBytes">At least 0. The bytes are part of the memory budget; this limit leaves the rest of it to other requests.</param>
internal sealed class HoldBudget(int mostRequests, long mostBytes)
{
    private readonly Lock _gate = new();
    private int _requests;
    private long _bytes;

    public int MostRequests => mostRequests;

    public long MostBytes => mostBytes;

    public (int Requests, long Bytes) Held
    {
        get
        {
            lock (_gate)
            {
                return (_requests, _bytes);
            }
        }
    }

    /// <returns>The limit that is reached; <see cref="HoldEnd.None"/> when the request was taken.</returns>
    public HoldEnd Take(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        lock (_gate)
        {
            if (_requests >= mostRequests)
            {
                return HoldEnd.ProcessFull;
            }

            if (bytes > mostBytes - _bytes)
            {
                return HoldEnd.MemoryFull;
            }

            _requests++;
            _bytes += bytes;
            return HoldEnd.None;
        }
    }

    public void GiveBack(long bytes)
    {
        lock (_gate)
        {
            _requests--;
            _bytes -= bytes;
        }
    }
}
