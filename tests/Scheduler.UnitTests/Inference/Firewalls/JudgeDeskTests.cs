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
    public async Task A_silent_judge_is_asked_again_and_the_first_verdict_ends_the_other_call()
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
    public async Task What_is_no_answer_is_asked_again_at_once()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (question, call, _) =>
            call == 1 ? Task.FromResult(new ChatReply("hm", ChatFault.None, "")) : ScriptedJudge.Say(question, "false");

        var verdict = await AskAsync(world);

        Assert.Equal(FirewallDecision.Pass, verdict.Decision);
        Assert.InRange(verdict.Latency, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public async Task A_judge_that_is_not_there_is_not_asked_again()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (_, _, _) => ScriptedJudge.Fail(ChatFault.NotRunning);
        Assert.Equal(JudgeFault.NotRunning, (await AskAsync(world)).Fault);
        Assert.Single(world.Judge.Asked);
    }

    [Fact]
    public async Task Two_silent_calls_end_at_the_deadline()
    {
        await using var world = new GateWorld();
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);

        var verdict = await AskAsync(world);

        Assert.Equal(JudgeFault.TimedOut, verdict.Fault);
        Assert.InRange(verdict.Latency, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.2));
        await GateWorld.UntilAsync(() => world.Judge is { UnderWay: 0, Cancelled: 2 });
    }

    [Fact]
    public async Task A_judge_that_does_not_hear_that_it_was_ended_holds_up_nothing()
    {
        await using var world = new GateWorld();
        var never = new TaskCompletionSource<ChatReply>();
        world.Judge.Script = (_, _, _) => never.Task;
        Assert.Equal(JudgeFault.TimedOut, (await AskAsync(world)).Fault);
    }

    [Fact]
    public async Task Second_calls_are_few_among_many_however_slow_the_judge_is()
    {
        await using var world = new GateWorld(options => options.HedgePercent = 10);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        for (var i = 0; i < 40; i++)
        {
            await AskAsync(world);
        }

        // Ten were saved up, and one comes with every ten calls.
        Assert.InRange(world.Judge.Asked.Count - 40, 10, 14);
    }

    [Fact]
    public async Task Without_second_calls_there_are_none()
    {
        await using var world = new GateWorld(options => options.HedgePercent = 0);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        Assert.Equal(JudgeFault.TimedOut, (await AskAsync(world)).Fault);
        Assert.Single(world.Judge.Asked);
    }

    [Fact]
    public void A_judge_whose_latency_is_known_is_asked_again_after_what_it_usually_takes()
    {
        var policy = new HedgePolicy(0.5, 10);
        var account = new AccountId("acct-a");
        var deadline = TimeSpan.FromSeconds(2);
        Assert.Equal(TimeSpan.FromSeconds(1), policy.DelayFor(account, "judge", deadline));
        for (var i = 1; i <= 100; i++)
        {
            policy.Learn(account, "judge", TimeSpan.FromMilliseconds(i));
        }

        // Of the last 64 (37 to 100 ms) nineteen of twenty took less than this.
        Assert.Equal(TimeSpan.FromMilliseconds(97), policy.DelayFor(account, "judge", deadline));
        Assert.Equal(TimeSpan.FromSeconds(1), policy.DelayFor(account, "other", deadline));
        Assert.Equal(TimeSpan.FromMilliseconds(25), policy.DelayFor(account, "judge", TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void Memory_is_bounded_and_the_oldest_goes_first()
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
    public void A_verdict_that_was_renewed_outlives_its_older_self()
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
