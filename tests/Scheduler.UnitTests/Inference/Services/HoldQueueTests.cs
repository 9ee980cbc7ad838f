using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Services;
using Scheduler.Inference.Services;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Inference.Services;

public sealed class HoldQueueTests
{
    private static readonly TimeSpan MostWait = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Property(MaxTest = 60)]
    public Property Requests_are_answered_in_order_within_every_limit() =>
        Prop.ForAll(Cases().ToArbitrary(), given => AnswersInOrderAsync(given).GetAwaiter().GetResult());

    [Fact]
    public async Task A_request_that_waited_too_long_is_refused_and_those_behind_it_wait_on()
    {
        var desk = new Desk(_clock, new HoldBudget(10, 10));
        var first = desk.WaitAsync(0, 1);
        _clock.Advance(MostWait / 2);
        var second = desk.WaitAsync(1, 1);
        await Eventually.TrueAsync(() => first.IsCompleted, "the first is too late", _clock, HoldQueue<Turn>.Step);

        Assert.Equal(HoldEnd.TooLate, (await Assert.ThrowsAsync<EndException>(() => first)).Why);
        Assert.False(second.IsCompleted);
        desk.Free(1);
        await Eventually.TrueAsync(() => second.IsCompleted, "the second is answered", _clock, HoldQueue<Turn>.Step);
        Assert.Equal(1, (await second).Number);
        Assert.Equal((0, 0L), desk.Budget.Held);
    }

    [Fact]
    public async Task A_failure_answers_all_requests_without_time_passing()
    {
        var desk = new Desk(_clock, new HoldBudget(100, 100));
        var waits = Enumerable.Range(0, 50).Select(i => desk.WaitAsync(i, 1)).ToList();
        await Eventually.TrueAsync(() => desk.Asked > 0, "the loop asks");
        desk.Fault = new InvalidOperationException("No launch succeeds.");
        _clock.Advance(HoldQueue<Turn>.Step);

        foreach (var wait in waits)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => wait.WaitAsync(TimeSpan.FromSeconds(30), Ct));
        }

        Assert.Equal((0, 0L), desk.Budget.Held);
    }

    [Fact]
    public async Task A_question_that_gets_no_answer_does_not_delay_the_refusal_of_others()
    {
        var desk = new Desk(_clock, new HoldBudget(10, 10)) { Gate = new TaskCompletionSource().Task };
        var waits = Enumerable.Range(0, 3).Select(i => desk.WaitAsync(i, 1)).ToList();
        await Eventually.TrueAsync(
            () => waits.TrueForAll(wait => wait.IsFaulted),
            "all are refused",
            _clock,
            TimeSpan.FromSeconds(1)
        );
        Assert.Equal(0, desk.Queue.Count);
    }

    [Fact]
    public async Task A_turn_for_a_client_that_left_meanwhile_is_given_back()
    {
        var gate = new TaskCompletionSource();
        var desk = new Desk(_clock, new HoldBudget(10, 10)) { Gate = gate.Task };
        using var gone = new CancellationTokenSource();
        var wait = desk.WaitAsync(0, 1, gone.Token);
        await Eventually.TrueAsync(() => desk.Asked > 0, "the loop asks");
        desk.Free(1);
        await gone.CancelAsync();
        gate.SetResult();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        await Eventually.TrueAsync(() => desk.Left == 1, "the turn is free again");
    }

    private static async Task<Property> AnswersInOrderAsync(Case given)
    {
        var clock = new FakeTimeProvider();
        var desk = new Desk(clock, new HoldBudget(given.MostRequests, given.MostBytes)) { Most = given.OfService };
        var (expected, waits, requests, bytes) = (new List<int>(), new List<Task<Turn>>(), 0, 0L);
        using var gone = new CancellationTokenSource();
        for (var i = 0; i < given.Requests.Length; i++)
        {
            var (size, leaves) = given.Requests[i];
            var fits = requests < Math.Min(given.OfService, given.MostRequests) && bytes + size <= given.MostBytes;
            var wait = desk.WaitAsync(i, size, leaves ? gone.Token : Ct);
            if (!fits)
            {
                if (!wait.IsFaulted)
                {
                    return false.Label($"{i} was not refused");
                }

                continue;
            }

            (requests, bytes) = (requests + 1, bytes + size);
            waits.Add(wait);
            if (!leaves)
            {
                expected.Add(i);
            }
        }

        var held = desk.Budget.Held;
        await gone.CancelAsync();
        var answered = Math.Min(given.Free, expected.Count);
        desk.Free(answered);
        await Eventually.TrueAsync(() => desk.Given.Count == answered, "turns are taken", clock, HoldQueue<Turn>.Step);
        clock.Advance(MostWait);
        await Eventually.TrueAsync(
            () => waits.TrueForAll(wait => wait.IsCompleted),
            "all have ended",
            clock,
            HoldQueue<Turn>.Step
        );
        var late = waits.Count(wait => wait.Exception?.InnerException is EndException { Why: HoldEnd.TooLate });
        return (held == (requests, bytes))
            .Label($"held {held}, not {(requests, bytes)}")
            .And(desk.Given.SequenceEqual(expected.Take(answered)))
            .Label($"given {string.Join(' ', desk.Given)} of {string.Join(' ', expected)}")
            .And(late == expected.Count - answered)
            .And(desk.Budget.Held == (0, 0L));
    }

    private static Gen<Case> Cases() =>
        from ofService in Gen.Choose(0, 12)
        from ofProcess in Gen.Choose(0, 12)
        from bytes in Gen.Choose(0, 40)
        from free in Gen.Choose(0, 12)
        from requests in Gen.ArrayOf(
            from size in Gen.Choose(0, 9)
            from leaves in Gen.Elements(false, false, true)
            select (size, leaves)
        )
        select new Case(ofService, ofProcess, bytes, free, requests);

    private sealed record Case(
        int OfService,
        int MostRequests,
        int MostBytes,
        int Free,
        (int Size, bool Leaves)[] Requests
    );

    private sealed class EndException(HoldEnd why) : Exception
    {
        public HoldEnd Why => why;
    }

    private sealed record Turn(int Number, Desk Desk) : IDisposable
    {
        public void Dispose() => Desk.Free(1);
    }

    /// <summary>A queue for a number of turns.</summary>
    private sealed class Desk(TimeProvider clock, HoldBudget budget)
    {
        private int _free;
        private int _asked;

        public HoldBudget Budget => budget;

        public HoldQueue<Turn> Queue { get; } = new(budget, clock);

        public int Most { get; init; } = int.MaxValue;

        public Exception? Fault { get; set; }

        /// <summary>Answers come after it.</summary>
        public Task Gate { get; init; } = Task.CompletedTask;

        public ConcurrentQueue<int> Given { get; } = new();

        public int Asked => Volatile.Read(ref _asked);

        public int Left => Volatile.Read(ref _free);

        public void Free(int turns) => Interlocked.Add(ref _free, turns);

        public Task<Turn> WaitAsync(int number, long bytes, CancellationToken? gone = null) =>
            Queue.WaitAsync(
                new HoldRequest<Turn>(() => TakeAsync(number), why => new EndException(why), Most, MostWait),
                bytes,
                gone ?? Ct
            );

        private async ValueTask<Turn?> TakeAsync(int number)
        {
            Interlocked.Increment(ref _asked);
            await Gate;
            if (Fault is { } fault)
            {
                throw fault;
            }

            if (Left == 0)
            {
                return null;
            }

            Interlocked.Decrement(ref _free);
            Given.Enqueue(number);
            return new Turn(number, this);
        }
    }
}
