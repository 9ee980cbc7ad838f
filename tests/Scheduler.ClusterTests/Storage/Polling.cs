using Xunit;

namespace Scheduler.ClusterTests.Storage;

internal static class Polling
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static async Task TrueAsync(Func<Task<bool>> condition)
    {
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        while (!await condition())
        {
            Assert.True(clock.GetElapsedTime(start) < Deadline, "The condition did not come true in time.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), clock, TestContext.Current.CancellationToken);
        }
    }
}
