using Scheduler.Domain.Placement;

namespace Scheduler.Domain.Providers;

/// <summary>
/// A provider's allocation attempts over a sliding window, and the breaker they drive: so many failures in a row open it; after a
/// while attempts are let through again (half open), and the first to end closes it or opens it anew.
/// </summary>
/// <param name="window">Span of the window.</param>
/// <param name="breakerFailures">Failures in a row that open the breaker.</param>
/// <param name="breakerOpenFor">How long it stays open.</param>
public sealed class HealthWindow(TimeSpan window, int breakerFailures, TimeSpan breakerOpenFor)
{
    /// <summary>Attempts kept at most; more recent ones say enough.</summary>
    public const int MaxAttempts = 1024;

    private readonly Queue<Attempt> _attempts = new();
    private int _failuresInARow;

    private readonly record struct Attempt(DateTimeOffset At, Route Route, bool Succeeded, TimeSpan Took);

    /// <summary>Until when the breaker is open; null while it is closed.</summary>
    public DateTimeOffset? OpenUntil { get; private set; }

    /// <summary>Notes how an attempt ended.</summary>
    public void Note(DateTimeOffset now, Route route, bool succeeded, TimeSpan took)
    {
        _attempts.Enqueue(new Attempt(now, route, succeeded, took));
        Forget(now);
        _failuresInARow = succeeded ? 0 : _failuresInARow + 1;
        OpenUntil =
            succeeded ? null
            : _failuresInARow >= breakerFailures ? now + breakerOpenFor
            : OpenUntil;
    }

    /// <summary><c>closed</c>, <c>open</c> or <c>half_open</c>.</summary>
    public string Breaker(DateTimeOffset now) =>
        OpenUntil is not { } until ? "closed"
        : now < until ? "open"
        : "half_open";

    /// <summary>Attempts and successes in the window, and the median time to allocate.</summary>
    public (int Attempts, int Successes, TimeSpan? MedianTook) Sum(DateTimeOffset now)
    {
        Forget(now);
        return Summed(_attempts);
    }

    /// <summary>The same for each route.</summary>
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
