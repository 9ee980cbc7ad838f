using System.Security.Cryptography;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Asks the judge of a firewall: one call for all its rules, and a second call where the first is slow or fails. Both
/// stay within the firewall's deadline. The first verdict wins and the other call is cancelled. No firewall applies
/// to the judge instance itself.
/// </summary>
internal sealed class JudgeClient(
    IInstanceChat chat,
    IServingTable serving,
    HedgePolicy hedging,
    FirewallMetrics metrics,
    TimeProvider clock
)
{
    /// <returns>A verdict, or why there is none. Throws only when the caller cancels.</returns>
    public async Task<JudgeVerdict> AskAsync(
        FirewallRecord firewall,
        JudgeInput text,
        CancellationToken cancellationToken
    )
    {
        var started = clock.GetTimestamp();
        var verdict = await JudgeAsync(firewall, text, cancellationToken);
        verdict = verdict with { Latency = clock.GetElapsedTime(started) };
        return verdict.Fault is null ? verdict : await ExplainAsync(firewall, verdict, cancellationToken);
    }

    /// <summary>The judge's instance and its state; nulls when no instance has the name.</summary>
    public async Task<(InstanceId? Instance, string? State)> WhoJudgesAsync(
        FirewallRecord firewall,
        CancellationToken cancellationToken
    ) =>
        await FindJudgeAsync(firewall, cancellationToken) is { } judge ? (judge.Id, NameOf(judge.State)) : (null, null);

    private async Task<JudgeVerdict> JudgeAsync(
        FirewallRecord firewall,
        JudgeInput text,
        CancellationToken cancellationToken
    )
    {
        var draft = firewall.Draft ?? throw new ArgumentException("A deleted firewall has no judge.", nameof(firewall));
        if (JudgeQuestion.Build(firewall.Rules, text, Random()) is not { } question)
        {
            return JudgeVerdict.None(JudgeFault.TooLong);
        }

        using var deadline = new CancellationTokenSource(draft.JudgeDeadline, clock);
        using var calls = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await RaceAsync(firewall, draft, question, calls.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return JudgeVerdict.None(JudgeFault.TimedOut);
        }
        finally
        {
            // Cancel the call that lost.
            await calls.CancelAsync();
        }
    }

    /// <summary>
    /// <para>1. Make the first call and wait a while for its answer.</para>
    /// <para>2. Return a verdict at once; do not ask again a judge that is missing or not running.</para>
    /// <para>3. Make the second call if allowed; return the first verdict, or the last error.</para>
    /// </summary>
    private async Task<JudgeVerdict> RaceAsync(
        FirewallRecord firewall,
        FirewallDraft draft,
        JudgeQuestion question,
        CancellationToken cancellationToken
    )
    {
        // 1
        var first = CallAsync(firewall.Account, draft, question, cancellationToken);
        var delay = hedging.DelayFor(firewall.Account, draft.Judge, draft.JudgeDeadline);
        await Task.WhenAny(first, Task.Delay(delay, clock, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();

        // 2
        if (first.IsCompleted && await first is { Fault: null or JudgeFault.NotFound or JudgeFault.NotRunning } certain)
        {
            return certain;
        }

        if (!hedging.MayHedge())
        {
            return await first.WaitAsync(cancellationToken);
        }

        // 3
        metrics.Hedged();
        var second = CallAsync(firewall.Account, draft, question, cancellationToken);
        var sooner = first.IsCompleted ? second : await Task.WhenAny(first, second).WaitAsync(cancellationToken);
        var verdict = await sooner.WaitAsync(cancellationToken);
        return verdict.Fault is null ? verdict : await (sooner == first ? second : first).WaitAsync(cancellationToken);
    }

    private async Task<JudgeVerdict> CallAsync(
        AccountId account,
        FirewallDraft draft,
        JudgeQuestion question,
        CancellationToken cancellationToken
    )
    {
        var started = clock.GetTimestamp();
        var reply = await chat.AskAsync(
            account,
            draft.Judge,
            new ChatQuestion(
                question.System,
                question.User,
                question.MaxAnswerTokens,
                draft.JudgeDeadline,
                question.AnswerSchema()
            )
            {
                Images = question.Images,
            },
            cancellationToken
        );
        if (reply.Fault != ChatFault.None)
        {
            return JudgeVerdict.None(FaultOf(reply.Fault)) with { Reason = reply.Reason };
        }

        if (!JudgeAnswer.TryRead(reply.Text, question, out var answers))
        {
            return JudgeVerdict.None(JudgeFault.Unreadable);
        }

        hedging.Learn(account, draft.Judge, clock.GetElapsedTime(started));
        return JudgeVerdict.Of(answers);
    }

    /// <summary>Adds the judge's instance and state, so that the refusal can name a remedy.</summary>
    private async Task<JudgeVerdict> ExplainAsync(
        FirewallRecord firewall,
        JudgeVerdict verdict,
        CancellationToken cancellationToken
    ) =>
        await FindJudgeAsync(firewall, cancellationToken) is { } judge
            ? verdict with
            {
                Instance = judge.Id,
                State = NameOf(judge.State),
                JudgeCode = judge is { State: InstanceState.Failed, Failure.Failure.Code: var code }
                    ? code
                    : FailureCode.None,
            }
            : verdict;

    private async ValueTask<ServedInstance?> FindJudgeAsync(
        FirewallRecord firewall,
        CancellationToken cancellationToken
    ) => await serving.FindAsync(firewall.Account, firewall.Draft?.Judge ?? "", cancellationToken) as ServedInstance;

    private static string NameOf(InstanceState state) => state.ToString().ToUpperInvariant();

    private static JudgeFault FaultOf(ChatFault fault) =>
        fault switch
        {
            ChatFault.NotFound => JudgeFault.NotFound,
            ChatFault.NotRunning => JudgeFault.NotRunning,
            ChatFault.TimedOut => JudgeFault.TimedOut,
            ChatFault.Failed => JudgeFault.Failing,
            ChatFault.None or _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static byte[] Random() => RandomNumberGenerator.GetBytes(JudgeQuestion.LeastRandom);
}
