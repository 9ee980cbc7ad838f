using Microsoft.Extensions.Time.Testing;

namespace Scheduler.TestKit;

/// <summary>
/// Waits for a condition with a deadline on the real clock. If time must pass, it advances the fake clock in small
/// steps, so that a timer armed a moment later still fires.
/// </summary>
public static class Eventually
{
    /// <summary>Longest real wait: much longer than any step takes, but short enough not to hang a build.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    /// <summary>Polls until the answer matches.</summary>
    /// <param name="what">Description of the condition for the message.</param>
    /// <param name="clock">Advanced between polls; null leaves the time unchanged.</param>
    /// <exception cref="TimeoutException">The condition did not hold in time.</exception>
    public static async Task<T> UntilAsync<T>(
        Func<Task<T>> ask,
        Func<T, bool> isSo,
        string what,
        FakeTimeProvider? clock = null,
        TimeSpan step = default
    )
    {
        ArgumentNullException.ThrowIfNull(ask);
        ArgumentNullException.ThrowIfNull(isSo);
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (isSo(answer))
            {
                return answer;
            }

            if (TimeProvider.System.GetElapsedTime(start) > Deadline)
            {
                throw new TimeoutException($"Still not: {what}. Last seen: {answer}");
            }

            clock?.Advance(step);
#pragma warning disable MA0040 // Its own deadline ends it; where this file is linked beside a test framework, that one's token is not its business.
            await Task.Delay(Poll, TimeProvider.System);
#pragma warning restore MA0040
        }
    }

    public static Task TrueAsync(
        Func<bool> condition,
        string what,
        FakeTimeProvider? clock = null,
        TimeSpan step = default
    ) => UntilAsync(() => Task.FromResult(condition()), isSo => isSo, what, clock, step);
}
