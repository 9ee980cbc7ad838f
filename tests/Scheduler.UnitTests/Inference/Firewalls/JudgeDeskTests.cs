using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Upstream;
using Xunit;

namespace Scheduler.UnitTests.Inference.Firewalls;

public sealed class JudgeDeskTests
{
    private static readonly JudgeInput Text = new(new JudgeInputPart("user", "hi"));

    [Fact]
    public async Task A_slow_judge_gets_a_second_call_and_the_first_verdict_cancels_the_other()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (question, call, cancelled) =>
            call == 1 ? ScriptedJudge.Silence(cancelled) : ScriptedJudge.Say(question, "true");

        var verdict = await AskAsync(world);

        Assert.Equal(FirewallDecision.Match, verdict.Decision);
        Assert.Equal(2, world.Judge.Asked.Count);
        Assert.InRange(verdict.Latency, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.5));
        await GateWorld.UntilAsync(() => world.Judge is { UnderWay: 0, Cancelled: 1 });
    }

    [Fact]
    public async Task An_unreadable_answer_is_retried_at_once()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (question, call, _) =>
            call == 1 ? Task.FromResult(new ChatReply("hm", ChatFault.None, "")) : ScriptedJudge.Say(question, "false");

        var verdict = await AskAsync(world);

        Assert.Equal(FirewallDecision.Pass, verdict.Decision);
        Assert.InRange(verdict.Latency, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_judge_that_is_not_running_gets_no_second_call()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (_, _, _) => ScriptedJudge.Fail(ChatFault.NotRunning);
        Assert.Equal(JudgeFault.NotRunning, (await AskAsync(world)).Fault);
        Assert.Single(world.Judge.Asked);
    }

    [Fact]
    public async Task Two_unanswered_calls_end_at_the_deadline()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);

        var verdict = await AskAsync(world);

        Assert.Equal(JudgeFault.TimedOut, verdict.Fault);
        Assert.InRange(verdict.Latency, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.2));
        await GateWorld.UntilAsync(() => world.Judge is { UnderWay: 0, Cancelled: 2 });
    }

    [Fact]
    public async Task A_call_that_ignores_its_cancellation_does_not_delay_the_verdict()
    {
        await using var world = new GateWorld();
        var never = new TaskCompletionSource<ChatReply>();
        world.Judge.Script = (_, _, _) => never.Task;
        Assert.Equal(JudgeFault.TimedOut, (await AskAsync(world)).Fault);
    }

    [Fact]
    public async Task The_share_of_second_calls_is_limited_however_slow_the_judge_is()
    {
        await using var world = new GateWorld(options => options.HedgePercent = 10);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        for (var i = 0; i < 40; i++)
        {
            await AskAsync(world);
        }

        // The initial budget allows ten second calls, and every ten calls add one.
        Assert.InRange(world.Judge.Asked.Count - 40, 10, 14);
    }

    [Fact]
    public async Task A_second_call_share_of_zero_turns_second_calls_off()
    {
        await using var world = new GateWorld(options => options.HedgePercent = 0);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        Assert.Equal(JudgeFault.TimedOut, (await AskAsync(world)).Fault);
        Assert.Single(world.Judge.Asked);
    }

    [Fact]
    public void The_second_call_waits_for_the_95th_percentile_of_known_latencies()
    {
        var policy = new HedgePolicy(0.5, 10);
        var account = new AccountId("acct-a");
        var deadline = TimeSpan.FromSeconds(2);
        Assert.Equal(TimeSpan.FromSeconds(1), policy.DelayFor(account, "judge", deadline));
        for (var i = 1; i <= 100; i++)
        {
            policy.Learn(account, "judge", TimeSpan.FromMilliseconds(i));
        }

        // The 95th percentile of the last 64 latencies (37 to 100 ms).
        Assert.Equal(TimeSpan.FromMilliseconds(97), policy.DelayFor(account, "judge", deadline));
        Assert.Equal(TimeSpan.FromSeconds(1), policy.DelayFor(account, "other", deadline));
        Assert.Equal(TimeSpan.FromMilliseconds(25), policy.DelayFor(account, "judge", TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void The_verdict_cache_is_bounded_and_evicts_the_oldest_entry()
    {
        var memory = new VerdictCache(3, TimeSpan.FromMinutes(5), TimeProvider.System);
        VerdictKey Key(int i) => new(new AccountId("acct-a"), "strict", 1, "judge", $"digest {i}");
        for (var i = 0; i < 10; i++)
        {
            memory.Put(Key(i), [true]);
        }

        Assert.Equal(3, memory.Count);
        Assert.Equal([7, 8, 9], Enumerable.Range(0, 10).Where(i => memory.TryGet(Key(i), out _)));
    }

    [Fact]
    public void A_new_verdict_replaces_the_cached_one()
    {
        var memory = new VerdictCache(2, TimeSpan.FromMinutes(5), TimeProvider.System);
        VerdictKey Key(int i) => new(new AccountId("acct-a"), "strict", 1, "judge", $"digest {i}");
        memory.Put(Key(1), [true]);
        memory.Put(Key(2), [true]);
        memory.Put(Key(1), [false]);
        Assert.True(memory.TryGet(Key(1), out var answers));
        Assert.Equal([false], answers);
    }

    private static Task<JudgeVerdict> AskAsync(GateWorld world) =>
        world.DriveAsync(
            world.Desk.AskAsync(
                world.Judge.Add("strict", FirewallMode.Block),
                Text,
                TestContext.Current.CancellationToken
            )
        );
}
