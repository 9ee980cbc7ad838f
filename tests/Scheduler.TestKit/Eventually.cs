using Microsoft.Extensions.Time.Testing;

namespace Scheduler.TestKit;

/// <summary>
/// Waits for what must come true, with a deadline on the real clock; where time must pass for it, the fake clock is advanced in small
/// steps, so that whatever arms its timer a moment later still sees its moment.
/// </summary>
public static class Eventually
{
    /// <summary>Longest real wait: far more than anything here takes, short of hanging a build.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(5);

    /// <summary>Asks until the answer is as wanted.</summary>
    /// <param name="ask">The question.</param>
    /// <param name="isSo">Whether the answer is as wanted.</param>
    /// <param name="what">What is waited for, for the message.</param>
    /// <param name="clock">Advanced between questions; null leaves time as it is.</param>
    /// <param name="step">By how much.</param>
    /// <exception cref="TimeoutException">It did not come true in time.</exception>
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

    /// <summary>Waits until a condition holds.</summary>
    public static Task TrueAsync(
        Func<bool> condition,
        string what,
        FakeTimeProvider? clock = null,
        TimeSpan step = default
    ) => UntilAsync(() => Task.FromResult(condition()), isSo => isSo, what, clock, step);
}
