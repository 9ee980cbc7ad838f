using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Ids;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Guard;
using Scheduler.TestKit;
using Scheduler.UnitTests.Inference.Guard;
using Xunit;

namespace Scheduler.UnitTests.Inference.Firewalls;

/// <summary>The real firewall gate with a scripted judge and a model that records the prompts that reach it.</summary>
internal sealed class GateWorld : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FirewallAudits _audits;
    private readonly FirewallGate _gate;
    private int _requests;

    public GateWorld(Action<FirewallGateOptions>? set = null)
    {
        var options = new FirewallGateOptions();
        set?.Invoke(options);
        var metrics = new FirewallMetrics(_services.GetRequiredService<IMeterFactory>());
        Memory = new VerdictCache(options.RememberedVerdicts, TimeSpan.FromSeconds(options.RememberedSeconds), Clock);
        Desk = new JudgeClient(Judge, Judge, new HedgePolicy(options.HedgeAfter, options.HedgePercent), metrics, Clock);
        var evaluator = new FirewallEvaluator(Desk, Memory, Judge, metrics, Clock);
        _audits = new FirewallAudits(evaluator, Options.Create(options), NullLogger<FirewallAudits>.Instance);
        _gate = new FirewallGate(Judge, evaluator, _audits, Options.Create(options));
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public ScriptedJudge Judge { get; } = new();

    public JudgeClient Desk { get; }

    public VerdictCache Memory { get; }

    /// <summary>Prompts that reached the model.</summary>
    public List<string> Model { get; } = [];

    public Task StartAuditsAsync() => _audits.StartAsync(TestContext.Current.CancellationToken);

    /// <summary>Sends a request as the gateway does: the model gets it only after the gate passes it.</summary>
    public Task<GateVerdict> SendAsync(string prompt, params string[] firewalls) =>
        SendAsync([new PromptPart("user", prompt)], firewalls);

    /// <summary>Sends a request of several parts, which may be other content than text.</summary>
    public Task<GateVerdict> SendAsync(ImmutableArray<PromptPart> prompt, params string[] firewalls) =>
        SendAsync(Readings.Of([.. prompt]), null, firewalls);

    /// <summary>Sends a request as it was read.</summary>
    public async Task<GateVerdict> SendAsync(
        PromptReading prompt,
        Func<CancellationToken, Task<string?>>? detokenize,
        params string[] firewalls
    )
    {
        var verdict = await DriveAsync(JudgeAsync(prompt, detokenize, firewalls));
        if (verdict.IsPass)
        {
            Model.Add(string.Join('\n', prompt.Parts.Select(part => part.Text)));
        }

        return verdict;
    }

    /// <summary>Asks the gate; the clock does not move.</summary>
    public Task<GateVerdict> JudgeAsync(
        PromptReading prompt,
        Func<CancellationToken, Task<string?>>? detokenize,
        params string[] firewalls
    ) =>
        _gate
            .JudgeAsync(
                new GateQuestion(
                    ScriptedJudge.Account,
                    [.. firewalls],
                    () => prompt,
                    new RequestId($"req-{++_requests}")
                )
                {
                    Detokenize = detokenize,
                },
                TestContext.Current.CancellationToken
            )
            .AsTask();

    /// <summary>Advances the clock until a task completes.</summary>
    public async Task<T> DriveAsync<T>(Task<T> task)
    {
        for (var step = 0; step < 2_000 && !task.IsCompleted; step++)
        {
            // Gives continuations of the last step time to run.
            await Task.WhenAny(task, Task.Delay(1, TestContext.Current.CancellationToken));
            Clock.Advance(TimeSpan.FromMilliseconds(50));
        }

        Assert.True(task.IsCompleted, "The task did not complete in 100 s.");
        return await task;
    }

    /// <summary>Waits on the real clock for background work.</summary>
    public static Task UntilAsync(Func<bool> isSo) =>
        Eventually.UntilAsync(() => Task.FromResult(isSo()), so => so, "background work completes");

    public async ValueTask DisposeAsync()
    {
        await _audits.StopAsync(CancellationToken.None);
        _audits.Dispose();
        await _services.DisposeAsync();
    }
}
