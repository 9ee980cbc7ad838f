using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <summary>
/// Allocation attempts of a provider over a sliding window, and its circuit breaker. <paramref name="breakerFailures"/>
/// failures in a row open the breaker. After <paramref name="breakerOpenFor"/> it is half open: attempts are allowed
/// again, and the first attempt to end closes the breaker or opens it again.
/// </summary>
public sealed class HealthWindow(TimeSpan window, int breakerFailures, TimeSpan breakerOpenFor)
{
    /// <summary>Maximum number of attempts kept; the most recent ones suffice.</summary>
    public const int MaxAttempts = 1024;

    private readonly Queue<Attempt> _attempts = new();
    private int _failuresInARow;

    private readonly record struct Attempt(DateTimeOffset At, Route Route, bool Succeeded, TimeSpan Took);

    /// <summary>End of the open state; null while the breaker is closed.</summary>
    public DateTimeOffset? OpenUntil { get; private set; }

    public void Record(DateTimeOffset now, Route route, bool succeeded, TimeSpan took)
    {
        _attempts.Enqueue(new Attempt(now, route, succeeded, took));
        Forget(now);
        _failuresInARow = succeeded ? 0 : _failuresInARow + 1;
        OpenUntil =
            succeeded ? null
            : _failuresInARow >= breakerFailures ? now + breakerOpenFor
            : OpenUntil;
    }

    public BreakerState Breaker(DateTimeOffset now) =>
        OpenUntil is not { } until ? BreakerState.Closed
        : now < until ? BreakerState.Open
        : BreakerState.HalfOpen;

    /// <summary>Attempts and successes in the window, and the median time to allocate.</summary>
    public (int Attempts, int Successes, TimeSpan? MedianTook) Sum(DateTimeOffset now)
    {
        Forget(now);
        return Summed(_attempts);
    }

    public IEnumerable<(Route Route, int Attempts, int Successes, TimeSpan? MedianTook)> SumByRoute(DateTimeOffset now)
    {
        Forget(now);
        return _attempts
            .GroupBy(attempt => attempt.Route)
            .Select(group =>
            {
                var (attempts, successes, median) = Summed(group);
                return (group.Key, attempts, successes, median);
            });
    }

    private static (int Attempts, int Successes, TimeSpan? MedianTook) Summed(IEnumerable<Attempt> attempts)
    {
        var all = attempts.ToList();
        var took = all.Where(attempt => attempt.Succeeded).Select(attempt => attempt.Took).Order().ToList();
        return (all.Count, took.Count, took.Count == 0 ? null : took[took.Count / 2]);
    }

    private void Forget(DateTimeOffset now)
    {
        while (_attempts.TryPeek(out var oldest) && (oldest.At < now - window || _attempts.Count > MaxAttempts))
        {
            _attempts.Dequeue();
        }
    }
}
