using System.Globalization;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// The runtime exits while requests are in progress. Each request receives the true cause, billing stops, and the hint
/// repairs the instance.
/// </summary>
[Collection(LlamaGroup.Name)]
public sealed class RuntimeExitUnderLoadTests(LlamaScheduler llama) : IAsyncLifetime
{
    private const int Streams = 4;
    private const int Whole = 3;

    /// <summary>At 20 ms per token this lasts far longer than a test waits.</summary>
    private const int Long = 5000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact(Explicit = true)]
    public async Task A_killed_runtime_fails_its_requests_with_RUNTIME_EXITED_and_a_start_repairs_it()
    {
        using var gateway = new Gateway(llama.Process, llama.Key);
        var instance = await StartAsync("killed", 8192);
        await using var server = LlamaServer.Of(instance);
        var underWay = await LoadAsync(gateway, "killed");
        var killed = TimeProvider.System.GetUtcNow();

        server.Kill();

        var answers = await Task.WhenAll(underWay);
        AssertAll(answers, "RUNTIME_EXITED");
        Assert.All(answers, answer => Assert.StartsWith("A process on its host killed it", answer.Hint));
        var failed = await FailedAsync(instance, "RUNTIME_EXITED", killed);
        Assert.Equal("137", failed.Failure.Details["exit_code"]);
        var after = await gateway.ChatAsync("killed", "Hi", 2);
        Assert.Equal((502, "RUNTIME_EXITED", failed.Failure.Hint), (after.Status, after.Code, after.Hint));

        _ = (await llama.ApiClient.StartAsync(instance)).Ok;
        await llama.ServesAsync(instance);
        await using var again = LlamaServer.Of(instance);
        Assert.Equal(200, (await gateway.ChatAsync("killed", "Hi", 2)).Status);
    }

    [Fact(Explicit = true)]
    public async Task Memory_exhaustion_fails_requests_with_OOM_KILLED_and_the_hinted_context_fits()
    {
        const int context = 32_768;
        const int more = 16_000_000;
        using var gateway = new Gateway(llama.Process, llama.Key);
        var instance = await StartAsync("starved", context, "--late-memory-above", "10000");
        await using var server = LlamaServer.Of(instance);
        var underWay = await LoadAsync(gateway, "starved");
        var limited = TimeProvider.System.GetUtcNow();

        await server.LimitMemoryAsync(more, Ct);
        var large = gateway.ChatAsync("starved", new string('x', context - 1000), 2);

        var answers = await Task.WhenAll([.. underWay, large]);
        AssertAll(answers, "OOM_KILLED");
        var failed = await FailedAsync(instance, "OOM_KILLED", limited);
        Assert.All(answers, answer => Assert.Equal(failed.Failure.Hint, answer.Hint));
        var fitting = failed.Failure.Details["fitting_context_tokens"];
        Assert.Contains($"set context_tokens to {fitting} (it was {context})", failed.Failure.Hint);

        failed.Spec.ContextTokens = long.Parse(fitting, CultureInfo.InvariantCulture);
        _ = (await llama.ApiClient.UpdateAsync(instance, failed.Spec, "spec.context_tokens")).Ok;
        _ = (await llama.ApiClient.StartAsync(instance)).Ok;
        await llama.ServesAsync(instance);
        await using var again = LlamaServer.Of(instance);
        Assert.Equal(200, (await gateway.ChatAsync("starved", "Hi", 2)).Status);
    }

    /// <summary>Streams that have begun, and complete answers that the runtime is still generating.</summary>
    private async Task<List<Task<GatewayAnswer>>> LoadAsync(Gateway gateway, string model)
    {
        var before = await OpenAsync();
        var began = Enumerable.Range(0, Streams).Select(_ => new TaskCompletionSource()).ToList();
        List<Task<GatewayAnswer>> underWay =
        [
            .. began.Select(one => gateway.StreamAsync(model, "Hi", Long, one)),
            .. Enumerable.Range(0, Whole).Select(_ => gateway.ChatAsync(model, "Hi", Long)),
        ];
        await Task.WhenAll(began.Select(one => one.Task)).WaitAsync(TimeSpan.FromSeconds(30), Ct);
        await Eventually.UntilAsync(
            OpenAsync,
            open => open >= before + Streams + Whole,
            "all requests are in progress"
        );
        return underWay;
    }

    private async Task<double> OpenAsync() =>
        (await Scrape.ReadAsync(llama.Process, Ct))
            .Samples.Where(sample => sample.Name.StartsWith("scheduler_inference_open", StringComparison.Ordinal))
            .Sum(sample => sample.Value);

    private async Task<string> StartAsync(string name, int context, params string[] arguments)
    {
        string[] slowly = ["--token-delay-ms", "20", .. arguments];
        var parallel = Streams + Whole + 1;
        var instance = await llama.StartAsync(llama.Account, name, context, "llama-server", parallel, slowly);
        await llama.ServesAsync(instance);
        return instance;
    }

    /// <summary>
    /// Streams that had begun keep their status 200 and end with the error; all others answer with the status of the
    /// error.
    /// </summary>
    private static void AssertAll(GatewayAnswer[] answers, string code)
    {
        Assert.All(answers, answer => Assert.True(answer.Code == code, $"{answer}"));
        Assert.All(answers.Take(Streams), answer => Assert.Equal(200, answer.Status));
        Assert.All(answers.Skip(Streams), answer => Assert.Equal(502, answer.Status));
        Assert.Equal(answers.Length, answers.Select(answer => answer.Headers["X-Request-Id"]).Distinct().Count());
    }

    /// <summary>The instance fails when its runtime exits, and is billed until exactly that second.</summary>
    private async Task<Instance> FailedAsync(string name, string code, DateTimeOffset died)
    {
        var told = TimeProvider.System.GetUtcNow();
        var failed = await llama.ApiClient.UntilAsync(name, i => i.State == InstanceState.Failed);
        Assert.Equal(code, failed.Failure.Code);
        var (since, until) = (failed.RunningSince.ToDateTimeOffset(), failed.RunningUntil.ToDateTimeOffset());
        Assert.InRange(until, died.AddMilliseconds(-100), told);
        var seconds = (long)(until - since).TotalSeconds;
        await Eventually.UntilAsync(() => BilledAsync(failed), billed => billed == seconds, $"{seconds} s are billed");
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System, Ct);
        Assert.Equal(seconds, await BilledAsync(failed));
        return failed;
    }

    private async Task<long> BilledAsync(Instance instance)
    {
        var ledger = await new Accounts.AccountsClient(llama.Process.Channel).ListLedgerEntriesAsync(
            new ListLedgerEntriesRequest { Parent = llama.Account, PageSize = 1000 },
            llama.Process.Auth,
            cancellationToken: Ct
        );
        return ledger
            .Entries.Where(entry => entry.Instance == instance.Name && entry.Run == instance.Run)
            .Sum(entry => entry.Seconds);
    }
}
