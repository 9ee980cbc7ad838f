using Scheduler.Inference;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>The end of watches: no call to a grain is open or begins after it.</summary>
public sealed class WatchedRecordsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stop_ends_the_open_calls_and_reads_nothing_afterwards()
    {
        var (reads, failures) = (0, 0);
        var watching = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var records = new WatchedRecords<string, string>(
            async (_, known, cancellationToken) =>
            {
                Interlocked.Increment(ref reads);
                if (known is not null)
                {
                    watching.TrySetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                }

                return "record";
            },
            (_, _) => Interlocked.Increment(ref failures),
            TimeProvider.System
        )
        {
            Capacity = 10,
            WatchedFor = TimeSpan.FromHours(1),
            KeepsStale = true,
        };
        Assert.Equal("record", await records.FindAsync("a", Ct));
        await watching.Task.WaitAsync(Ct);

        await records.StopAsync(Ct);
        await records.StopAsync(Ct);

        // Null would mean that the record does not exist.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await records.FindAsync("b", Ct));
        Assert.Equal((2, 0), (reads, failures));
    }
}
