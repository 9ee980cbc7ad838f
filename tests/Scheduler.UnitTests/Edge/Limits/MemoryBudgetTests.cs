using FsCheck;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Xunit;

namespace Scheduler.UnitTests.Edge.Limits;

public sealed class MemoryBudgetTests
{
    private const long Mebi = 1 << 20;
    private const long Bound = 16 * Mebi;

    private readonly FakeTimeProvider _clock = new();

    [Property(MaxTest = 300)]
    public void Held_and_freed_bytes_never_exceed_the_bound_and_all_are_given_back(NonEmptyArray<(byte, int)> steps)
    {
        var heap = new Heap(_clock);
        var budget = new MemoryBudget(Bound, heap, _clock);
        var keys = Enumerable.Range(0, 2).Select(_ => new KeyLimits.KeyPartition()).ToArray();
        var open = new List<(MemoryShare Share, int Key)>();
        foreach (var (what, size) in steps.Get)
        {
            var bytes = Math.Abs((long)size) % (Bound + Mebi);
            switch (what % 5)
            {
                case 0:
                    var key = what % keys.Length;
                    open.Add((new MemoryShare(budget, $"key-{key}", keys[key]), key));
                    break;
                case 1 or 2 when open.Count > 0:
                    open[what % open.Count].Share.TryGrow(bytes);
                    break;
                case 3 when open.Count > 0:
                    var (closed, _) = open[what % open.Count];
                    open.RemoveAt(what % open.Count);
                    heap.Leave(closed.Held);
                    closed.Dispose();
                    break;
                case 4:
                    _clock.Advance(TimeSpan.FromMilliseconds(what));
                    break;
                default:
                    break;
            }

            Assert.Equal(open.Sum(one => one.Share.Held), budget.Held);
            Assert.InRange(budget.Held + heap.Garbage, 0, Bound);
            for (var i = 0; i < keys.Length; i++)
            {
                var own = open.Where(one => one.Key == i).Select(one => one.Share.Held).ToList();
                Assert.Equal(own.Sum(), keys[i].Bytes);
                Assert.True(
                    own.Sum() <= budget.BoundOfKey || own.Max() == own.Sum(),
                    "One key holds more than its part."
                );
            }
        }

        open.ForEach(one => one.Share.Dispose());
        Assert.Equal((0, 0, 0), (budget.Held, keys[0].Bytes, keys[1].Bytes));
    }

    [Fact]
    public async Task Many_threads_stay_below_the_bound_and_leave_nothing()
    {
        var budget = new MemoryBudget(Bound, new Heap(_clock), TimeProvider.System);
        var (inside, most) = (0L, 0L);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 5_000),
            TestContext.Current.CancellationToken,
            async (i, _) =>
            {
                using var share = new MemoryShare(budget, null, null);
                if (share.TryGrow(i % 7 * Mebi / 4))
                {
                    var now = Interlocked.Add(ref inside, share.Held);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Add(ref inside, -share.Held);
                }
            }
        );
        Assert.InRange(most, 1, Bound);
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public void A_request_larger_than_the_budget_passes_alone_and_is_told_otherwise_when_to_retry()
    {
        var budget = new MemoryBudget(Bound, new Heap(_clock), _clock);
        var small = new MemoryShare(budget, null, null);
        small.Grow(1);
        using var large = new MemoryShare(budget, null, null);

        var refused = Assert.Throws<ApiException>(() => large.Grow(3 * Bound)).Error;
        Assert.Equal(("RATE_LIMITED", 429), (refused.Reason, refused.HttpStatus));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.RetryAfter);
        Assert.Equal($"{Bound}", refused.Details["process_limit_bytes"]);

        small.Dispose();
        large.Grow(3 * Bound);
        Assert.Equal(Bound, budget.Held);
    }

    [Fact]
    public void Half_of_the_budget_stays_for_other_keys()
    {
        var budget = new MemoryBudget(Bound, new Heap(_clock), _clock);
        var flood = new KeyLimits.KeyPartition();
        var shares = Enumerable.Range(0, 16).Select(_ => new MemoryShare(budget, "key-a", flood)).ToList();
        var refused = shares.Count(share => !share.TryGrow(Mebi));
        using var other = new MemoryShare(budget, "key-b", new KeyLimits.KeyPartition());

        Assert.Equal(8, refused);
        other.Grow(Mebi);
        var told = Assert.Throws<ApiException>(() => shares[^1].Grow(Mebi)).Error;
        Assert.Equal(("key-a", $"{Bound / 2}"), (told.Details["key_id"], told.Details["key_limit_bytes"]));
    }

    [Fact]
    public void Collections_take_at_most_a_tenth_of_the_time()
    {
        var heap = new Heap(_clock) { Takes = TimeSpan.FromMilliseconds(50) };
        var budget = new MemoryBudget(Bound, heap, _clock);
        var began = _clock.GetUtcNow();
        for (var i = 0; i < 1_000; i++)
        {
            if (budget.TryTake(Bound))
            {
                budget.GiveBack(Bound);
            }

            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        var most = ((_clock.GetUtcNow() - began) / (heap.Takes * 10)) + 1;
        Assert.InRange(heap.Count, 2, (int)most);
    }

    [Fact]
    public void Memory_goes_back_to_the_system_once_after_a_flood()
    {
        var heap = new Heap(_clock);
        var budget = new MemoryBudget(Bound, heap, _clock);
        Assert.True(budget.TryTake(Bound));
        Assert.False(budget.TrimAfter(Mebi));
        budget.GiveBack(Bound);

        Assert.True(budget.TrimAfter(Mebi));
        Assert.False(budget.TrimAfter(Mebi));
        Assert.Equal(1, heap.Trims);
    }

    private static void InterlockedMax(ref long most, long now)
    {
        for (var seen = Volatile.Read(ref most); seen < now; )
        {
            seen = Interlocked.CompareExchange(ref most, now, seen);
        }
    }

    /// <summary>A heap whose freed objects stay until a full collection.</summary>
    private sealed class Heap(FakeTimeProvider clock) : IFullCollections
    {
        private const long LargeBytes = 64 * 1024;

        public TimeSpan Takes { get; init; }

        public long Garbage { get; private set; }

        public int Trims { get; private set; }

        public int Count { get; private set; }

        public void Leave(long bytes) => Garbage += bytes >= LargeBytes ? bytes : 0;

        public void Run()
        {
            Count++;
            Garbage = 0;
            clock.Advance(Takes);
        }

        public void Trim()
        {
            Trims++;
            Run();
        }
    }
}
