using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;

namespace Scheduler.Edge.Limits;

/// <summary>What one request holds of the budget; everything is given back at its end. Not thread-safe.</summary>
/// <param name="key">The key of the request; null without one.</param>
internal sealed class MemoryShare(MemoryBudget budget, string? keyId, KeyLimits.KeyPartition? key) : IDisposable
{
    /// <summary>Most requests end within a second.</summary>
    private const int RetrySeconds = 1;

    private bool _isClosed;

    /// <summary>Bytes.</summary>
    public long Held { get; private set; }

    /// <summary>Takes more of the budget.</summary>
    /// <exception cref="ApiException">RATE_LIMITED: the budget of the process, or the part of one key, is used.</exception>
    public void Grow(long bytes)
    {
        if (Take(bytes) is { } refusal)
        {
            throw new ApiException(ApiError.Of(FailureCatalogue.Describe(refusal)));
        }
    }

    /// <summary>Takes more of the budget for something that the request can do without.</summary>
    public bool TryGrow(long bytes) => Take(bytes) is null;

    public void Shrink(long bytes)
    {
        bytes = Math.Min(bytes, Held);
        Held -= bytes;
        budget.GiveBack(bytes);
        if (key is not null)
        {
            KeyLimits.LetGo(key, bytes);
        }
    }

    public void Dispose()
    {
        _isClosed = true;
        Shrink(Held);
    }

    private LimitFacts? Take(long bytes)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);

        // A request that needs more than there is passes when it is alone.
        bytes = Math.Min(bytes, budget.Bound - Held);
        if (key is not null && !KeyLimits.TryHold(key, Held, bytes, budget.BoundOfKey))
        {
            return new KeyMemoryFacts(keyId!, budget.BoundOfKey, RetrySeconds);
        }

        if (budget.TryTake(bytes))
        {
            Held += bytes;
            return null;
        }

        if (key is not null)
        {
            KeyLimits.LetGo(key, bytes);
        }

        return new MemoryFacts(budget.Bound, RetrySeconds);
    }
}
