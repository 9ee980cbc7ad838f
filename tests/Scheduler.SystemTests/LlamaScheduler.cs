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
    private readonly Dictionary<string, string> _shared = new(StringComparer.Ordinal);
    private LlamaRuntime? _runtime;

    /// <summary>Why there is no such runtime here, for tests to skip with; null where there is.</summary>
    public string? Missing { get; private set; }

    /// <summary>The process.</summary>
    public SchedulerProcess Process { get; private set; } = null!;

    /// <summary>The account's resource name.</summary>
    public string Account { get; private set; } = "";

    /// <summary>A key of the account.</summary>
    public string Key { get; private set; } = "";

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

        _runtime = await LlamaRuntime.ReadyAsync(Ct);
        var folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "tight.json"), Tight(), Ct);
        Process = new SchedulerProcess(folder, ["--config", "tight.json", .. LlamaRuntime.Settings(capacity: 16)])
        {
            Environment = _runtime.Environment,
        };
        await Process.StartAsync(Ct);
        Door = Door.Of("grpc", Process);
        Account = await AccountAsync("acct-llama");
        Key = (await Door.CreateKeyAsync(Account)).Ok.Token;
    }

    /// <summary>A further account with money and the model.</summary>
    /// <returns>Its resource name.</returns>
    public async Task<string> AccountAsync(string id)
    {
        var account = (await Door.CreateAccountAsync(id)).Ok.Name;
        _ = (await Door.TopUpAsync(account, 100_000_000, $"payment-{id}")).Ok;
        var request = new RegisterModelRequest
        {
            Parent = account,
            Model = "noise",
            Source = _runtime!.Model,
            GgufHeader = ByteString.CopyFrom(await File.ReadAllBytesAsync(_runtime.Model, Ct)),
        };
        await new Models.ModelsClient(Process.Channel).RegisterModelAsync(request, Process.Auth, cancellationToken: Ct);
        return account;
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
        await ServesAsync(instance);
        return instance;
    }

    /// <summary>An instance that serves and that tests leave as it is: whoever asks first for the name starts it.</summary>
    public async Task<string> SharedAsync(
        string servingName,
        long context,
        string preset = "llama-server",
        params string[] arguments
    )
    {
        if (!_shared.TryGetValue(servingName, out var instance))
        {
            instance = await RunningAsync(servingName, context, preset, arguments);
            _shared.Add(servingName, instance);
        }

        return instance;
    }

    /// <summary>An instance that was told to start; see <see cref="RunningAsync"/>.</summary>
    public Task<string> StartAsync(
        string servingName,
        long context,
        string preset = "llama-server",
        params string[] arguments
    ) => StartAsync(Account, servingName, context, preset, parallel: 1, arguments);

    /// <summary>An instance of any account that was told to start.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="servingName">Its name.</param>
    /// <param name="context">Tokens of context of each sequence.</param>
    /// <param name="preset">As of <see cref="RunningAsync"/>.</param>
    /// <param name="parallel">Sequences at once.</param>
    /// <param name="arguments">Further ones of the runtime.</param>
    public async Task<string> StartAsync(
        string account,
        string servingName,
        long context,
        string preset,
        int parallel,
        params string[] arguments
    )
    {
        var spec = Troubles.On("noise");
        (spec.Runtime, spec.ContextTokens, spec.ParallelSequences) = (preset, context, parallel);
        spec.RuntimeArguments.AddRange(arguments);
        var instance = (await Door.CreateInstanceAsync(account, servingName, spec)).Ok.Name;
        _started.Add(instance);
        _ = (await Door.StartAsync(instance)).Ok;
        return instance;
    }

    /// <summary>Waits until an instance serves.</summary>
    internal async Task<Instance> ServesAsync(string instance)
    {
        var reached = await Door.UntilAsync(instance, i => i.State is InstanceState.Running or InstanceState.Failed);
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
        return reached;
    }

    /// <summary>What the runtime of an instance's latest run has printed so far.</summary>
    internal async Task<string> OutputOfAsync(string instance)
    {
        var live = Path.Combine(Process.Folder, "data", "process", "live");
        var id = instance.Split('/')[^1];
        foreach (var folder in Directory.EnumerateDirectories(live))
        {
            var record = await File.ReadAllTextAsync(Path.Combine(folder, "record.json"), Ct);
            if (record.Contains(id, StringComparison.Ordinal))
            {
                return await File.ReadAllTextAsync(Path.Combine(folder, "output.log"), Ct);
            }
        }

        throw new InvalidOperationException($"No runtime of {instance} is known.");
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

/// <summary>One for all tests that want a real runtime, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class LlamaGroup : ICollectionFixture<LlamaScheduler>
{
    public const string Name = "llama";
}
