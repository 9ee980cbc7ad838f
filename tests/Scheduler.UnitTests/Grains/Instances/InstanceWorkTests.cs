using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Instances;
using Xunit;

namespace Scheduler.UnitTests.Grains.Instances;

public sealed class InstanceWorkTests : IDisposable
{
    private static readonly InstanceId Instance = new("i-1");

    private readonly InstanceWorkStop _stop = new(NullLogger<InstanceWorkStop>.Instance);
    private readonly InstanceWork _work;

    // Without a context, work that completes runs its continuation inline.
    public InstanceWorkTests()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        _work = new InstanceWork(_stop, NullLogger.Instance);
    }

    public void Dispose()
    {
        _work.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public void Required_work_starts_once_and_keeps_running()
    {
        var starts = 0;
        var allocate = Waiting("allocate", _ => starts++);

        Match(allocate);
        Match(allocate);

        Assert.Equal(1, starts);
        Assert.Equal(["allocate"], _work.Running);
    }

    [Fact]
    public void Work_that_is_no_longer_required_is_cancelled_and_forgotten_at_once()
    {
        CancellationToken allocate = default;
        CancellationToken cleanup = default;
        Match(Waiting("allocate", token => allocate = token), Waiting("cleanup", token => cleanup = token));

        Match(Waiting("cleanup"));

        Assert.True(allocate.IsCancellationRequested);
        Assert.False(cleanup.IsCancellationRequested);
        Assert.Equal(["cleanup"], _work.Running);
    }

    [Fact]
    public void Finished_work_starts_again_while_it_is_required()
    {
        var starts = 0;
        var meter = new RequiredWork(
            "meter",
            _ =>
            {
                starts++;
                return Task.CompletedTask;
            }
        );

        Match(meter);
        Assert.Empty(_work.Running);
        Match(meter);

        Assert.Equal(2, starts);
    }

    [Fact]
    public void Failed_work_starts_again_while_it_is_required_and_leaves_other_work_alone()
    {
        var starts = 0;
        var failing = new RequiredWork(
            "probe",
            _ => ++starts == 1 ? throw new TimeoutException() : Task.FromException(new TimeoutException())
        );

        Match(failing, Waiting("cleanup"));
        Assert.Equal(["cleanup"], _work.Running);
        Match(failing, Waiting("cleanup"));

        Assert.Equal(2, starts);
        Assert.Equal(["cleanup"], _work.Running);
    }

    [Fact]
    public void Cancelled_work_that_ends_late_does_not_displace_its_successor()
    {
        var first = new TaskCompletionSource();
        Match(new RequiredWork("allocate", _ => first.Task));
        Match();
        CancellationToken second = default;
        Match(Waiting("allocate", token => second = token));

        first.SetResult();

        Assert.Equal(["allocate"], _work.Running);
        Assert.False(second.IsCancellationRequested);
    }

    [Fact]
    public void Cancelling_everything_cancels_at_once_and_for_good()
    {
        CancellationToken running = default;
        Match(Waiting("allocate", token => running = token));

        _work.CancelAll();
        var starts = 0;
        Match(Waiting("cleanup", _ => starts++));

        Assert.True(running.IsCancellationRequested);
        Assert.True(_work.Cancellation.IsCancellationRequested);
        Assert.Equal(0, starts);
    }

    [Fact]
    public async Task A_stop_of_the_process_waits_until_all_work_has_ended_and_lets_none_start()
    {
        var last = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        Match(
            Waiting("cleanup", token => token.Register(cancelled.SetResult)),
            new RequiredWork("inbox", _ => last.Task)
        );

        var stopped = _stop.StoppingAsync(TestContext.Current.CancellationToken);

        await cancelled.Task;
        Assert.False(stopped.IsCompleted);
        last.SetResult();
        await stopped;
        var starts = 0;
        Match(Waiting("probe", _ => starts++));
        Assert.Equal(0, starts);
    }

    private void Match(params RequiredWork[] required) => _work.Match(Instance.Value, new RequestId("req-1"), required);

    /// <summary>Runs until it is cancelled.</summary>
    private static RequiredWork Waiting(string name, Action<CancellationToken>? started = null) =>
        new(
            name,
            token =>
            {
                started?.Invoke(token);
                return Task.Delay(Timeout.Infinite, token);
            }
        );
}
