using Xunit;

namespace Scheduler.UnitTests.Providers;

/// <summary>Waits for a condition, with a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    internal static async Task<T> GetAsync<T>(Func<Task<T>> look, Func<T, bool> isThere, string what)
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (isThere(seen))
            {
                return seen;
            }

            Assert.True(clock.GetElapsedTime(start) < Deadline, $"Not within {Deadline}: {what}. Last seen: {seen}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, TestContext.Current.CancellationToken);
        }
    }
}
