using System.Text.Json;
using Google.Protobuf;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A scheduler of its own whose instances are real runtimes on this host, an account with money, and the model <c>noise</c> registered by
/// its own file.
/// </summary>
public sealed class LlamaScheduler : IAsyncLifetime
{
    /// <summary>
    /// Bytes of data a runtime of the preset <c>tight</c> may have: node and llama.cpp take 160 MB, 131,072 tokens of context 165 MB
    /// more, half of them half of that (measured).
    /// </summary>
    private const long TightBytes = 285_000_000;

    private readonly List<string> _started = [];

    /// <summary>Why there is no such runtime here, for tests to skip with; null where there is.</summary>
    public string? Missing { get; private set; }

    /// <summary>The process.</summary>
    public SchedulerProcess Process { get; private set; } = null!;

    /// <summary>The account's resource name.</summary>
    public string Account { get; private set; } = "";

    internal Door Door { get; private set; } = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Missing = await NodeProgram.MissingAsync(Ct);
        if (Missing is not null)
        {
            return;
        }

        var runtime = await LlamaRuntime.ReadyAsync(Ct);
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "tight.json"), Tight(), Ct);
        Process = new SchedulerProcess(folder, ["--config", "tight.json", .. LlamaRuntime.Settings(capacity: 8)])
        {
            Environment = runtime.Environment,
        };
        await Process.StartAsync(Ct);
        Door = Door.Of("grpc", Process);
        Account = (await Door.CreateAccountAsync("acct-llama")).Ok.Name;
        _ = (await Door.TopUpAsync(Account, 100_000_000, "payment")).Ok;
        var request = new RegisterModelRequest
        {
            Parent = Account,
            Model = "noise",
            Source = runtime.Model,
            GgufHeader = ByteString.CopyFrom(await File.ReadAllBytesAsync(runtime.Model, Ct)),
        };
        await new Models.ModelsClient(Process.Channel).RegisterModelAsync(request, Process.Auth, cancellationToken: Ct);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Process is null)
        {
            return;
        }

        // A runtime outlives a scheduler that is killed; one whose instances are stopped leaves none.
        foreach (var instance in _started)
        {
            _ = await Door.StopAsync(instance);
        }

        foreach (var instance in _started)
        {
            await Door.UntilAsync(
                instance,
                i => i.State is InstanceState.Stopped or InstanceState.Failed && !i.ReleasePending
            );
        }

        await Process.DisposeAsync();
    }

    /// <summary>An instance that serves.</summary>
    /// <param name="servingName">Its name, not used before.</param>
    /// <param name="context">Its context, tokens.</param>
    /// <param name="preset"><c>llama-server</c>, <c>vllm</c>, or <c>tight</c>: the first behind a limit of memory.</param>
    /// <param name="arguments">Further ones of the runtime.</param>
    /// <returns>Its resource name.</returns>
    public async Task<string> RunningAsync(
        string servingName,
        long context,
        string preset = "llama-server",
        params string[] arguments
    )
    {
        var instance = await StartAsync(servingName, context, preset, arguments);
        var reached = await Door.UntilAsync(instance, i => i.State is InstanceState.Running or InstanceState.Failed);
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
        return instance;
    }

    /// <summary>An instance that was told to start; see <see cref="RunningAsync"/>.</summary>
    public async Task<string> StartAsync(
        string servingName,
        long context,
        string preset = "llama-server",
        params string[] arguments
    )
    {
        var spec = Troubles.On("noise");
        (spec.Runtime, spec.ContextTokens, spec.ParallelSequences) = (preset, context, 1);
        spec.RuntimeArguments.AddRange(arguments);
        var instance = (await Door.CreateInstanceAsync(Account, servingName, spec)).Ok.Name;
        _started.Add(instance);
        _ = (await Door.StartAsync(instance)).Ok;
        return instance;
    }

    /// <summary>The built-in preset behind a limit of the kernel's.</summary>
    private static string Tight()
    {
        string[] arguments =
        [
            $"--data={TightBytes}",
            "llama-server",
            "--model",
            "{model}",
            "--alias",
            "{serving_name}",
            "--ctx-size",
            "{context_total}",
            "--parallel",
            "{parallel}",
            "--host",
            "{host}",
            "--port",
            "{port}",
        ];
        var presets = new { tight = new { Program = "prlimit", Arguments = arguments } };
        return JsonSerializer.Serialize(new { Providers = new { Process = new { Presets = presets } } });
    }
}
