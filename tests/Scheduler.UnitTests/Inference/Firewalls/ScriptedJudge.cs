using System.Collections.Concurrent;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;

namespace Scheduler.UnitTests.Inference.Firewalls;

/// <summary>A judge that follows a script, together with the other services that the gate needs.</summary>
internal sealed class ScriptedJudge : IInstanceChat, IServingTable, IFirewallTable, IEvaluationSink
{
    public static readonly AccountId Account = new("acct-a");

    private int _underWay;

    /// <summary>All calls, in order.</summary>
    public ConcurrentQueue<(string Judge, ChatQuestion Question)> Asked { get; } = new();

    /// <summary>Number of cancelled calls.</summary>
    public int Cancelled;

    public ConcurrentQueue<FirewallEvaluation> Evaluations { get; } = new();

    public Dictionary<string, FirewallRecord> Firewalls { get; } = new(StringComparer.Ordinal);

    /// <summary>The instance of the judge; null for a missing one.</summary>
    public ServedInstance? Instance { get; set; } =
        new(Account, "judge", null)
        {
            Id = new InstanceId("i-judge"),
            Run = 1,
            State = InstanceState.Running,
            Endpoint = new Uri("http://judge.invalid/"),
            ContextTokens = 4096,
            CreatedAt = DateTimeOffset.UnixEpoch,
        };

    /// <summary>Answer of the n-th call, counted from 1.</summary>
    public Func<ChatQuestion, int, CancellationToken, Task<ChatReply>> Script { get; set; } =
        (q, _, _) => Say(q, "false");

    public int UnderWay => Volatile.Read(ref _underWay);

    public static Task<ChatReply> Say(ChatQuestion question, params ReadOnlySpan<string> answers) =>
        Task.FromResult(new ChatReply(AnswerTo(question, answers), ChatFault.None, ""));

    public static Task<ChatReply> Fail(ChatFault fault) => Task.FromResult(new ChatReply(null, fault, "as told"));

    /// <summary>Never answers and ends only by cancellation.</summary>
    public static async Task<ChatReply> Silence(CancellationToken cancellationToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        throw new InvalidOperationException("Silence ended.");
    }

    /// <summary>A valid answer; the last value is repeated for all further rules.</summary>
    public static string AnswerTo(ChatQuestion question, params ReadOnlySpan<string> answers)
    {
        var schema = question.AnswerSchema!["properties"]!.AsObject();
        var marker = schema["marker"]!["enum"]![0]!.GetValue<string>();
        var said = new List<string>();
        for (var i = 1; i < schema.Count; i++)
        {
            said.Add($"\"{i}\":{answers[Math.Min(i, answers.Length) - 1]}");
        }

        return $$"""{"marker":"{{marker}}",{{string.Join(',', said)}}}""";
    }

    public FirewallRecord Add(string slug, FirewallMode mode, params string[] rules)
    {
        var slugs = rules.Length > 0 ? rules : ["jailbreak", "credentials"];
        return Firewalls[slug] = new FirewallRecord
        {
            Account = Account,
            Slug = slug,
            Version = 1,
            Draft = new FirewallDraft
            {
                Mode = mode,
                Judge = "judge",
                Rules = [.. slugs],
                JudgeDeadline = TimeSpan.FromSeconds(2),
            },
            Rules = [.. slugs.Select(rule => ShippedRules.Find(rule)!)],
        };
    }

    public async Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    )
    {
        Asked.Enqueue((servingName, question));
        Interlocked.Increment(ref _underWay);
        try
        {
            return await Script(question, Asked.Count, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref Cancelled);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    public ValueTask<Served?> FindAsync(AccountId account, string servingName, CancellationToken cancellationToken) =>
        new(Instance);

    public Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(null);

    ValueTask<FirewallRecord?> IFirewallTable.FindAsync(
        AccountId account,
        string slug,
        CancellationToken cancellationToken
    ) => new(account == Account ? Firewalls.GetValueOrDefault(slug) : null);

    public void Record(AccountId account, FirewallEvaluation evaluation) => Evaluations.Enqueue(evaluation);
}
