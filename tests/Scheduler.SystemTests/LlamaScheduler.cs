using System.Text.Json;
using Google.Protobuf;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A scheduler whose instances are real runtimes on this host, with a funded account and the model <c>noise</c>, which
/// is registered by its own file.
/// </summary>
public sealed class LlamaScheduler : IAsyncLifetime
{
    /// <summary>
    /// Bytes of data that a runtime of the preset <c>tight</c> may have. Measured: node and llama.cpp use 160 MB,
    /// 131,072 tokens of context 165 MB more, half of the context half of that.
    /// </summary>
    private const long TightBytes = 285_000_000;

    private readonly List<string> _started = [];
    private readonly Dictionary<string, string> _shared = new(StringComparer.Ordinal);
    private LlamaRuntime? _runtime;

    /// <summary>Reason for a skip where the runtime is missing; null where it is present.</summary>
    public string? Missing { get; private set; }

    public SchedulerProcess Process { get; private set; } = null!;

    /// <summary>Resource name of the account.</summary>
    public string Account { get; private set; } = "";

    public string Key { get; private set; } = "";

    internal ApiClient ApiClient { get; private set; } = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

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
        Process = new SchedulerProcess(folder, ["--config", "tight.json", .. _runtime.Settings(capacity: 16)])
        {
            Environment = _runtime.Environment,
        };
        await Process.StartAsync(Ct);
        ApiClient = ApiClient.Of("grpc", Process);
        Account = await AccountAsync("acct-llama");
        Key = (await ApiClient.CreateKeyAsync(Account)).Ok.Token;
    }

    /// <summary>Creates another account with money and the model.</summary>
    /// <returns>Resource name of the account.</returns>
    public async Task<string> AccountAsync(string id)
    {
        var account = (await ApiClient.CreateAccountAsync(id)).Ok.Name;
        _ = (await ApiClient.TopUpAsync(account, 100_000_000, $"payment-{id}")).Ok;
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

    public async ValueTask DisposeAsync()
    {
        if (Process is null)
        {
            return;
        }

        // A runtime survives a killed scheduler; stopping its instance ends it.
        foreach (var instance in _started)
        {
            _ = await ApiClient.StopAsync(instance);
        }

        foreach (var instance in _started)
        {
            await ApiClient.UntilAsync(
                instance,
                i => i.State is InstanceState.Stopped or InstanceState.Failed && !i.ReleasePending
            );
        }

        await Process.DisposeAsync();
    }

    /// <summary>Starts an instance and waits until it serves.</summary>
    /// <param name="servingName">Must not have been used before.</param>
    /// <param name="context">Context in tokens.</param>
    /// <param name="preset"><c>llama-server</c>, <c>vllm</c>, or <c>tight</c>: the first with a memory limit.</param>
    /// <returns>Resource name of the instance.</returns>
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

    /// <summary>A serving instance that tests do not change. The first call with a name starts it.</summary>
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

    /// <summary>Starts an instance without waiting; see <see cref="RunningAsync"/>.</summary>
    public Task<string> StartAsync(
        string servingName,
        long context,
        string preset = "llama-server",
        params string[] arguments
    ) => StartAsync(Account, servingName, context, preset, parallel: 1, arguments);

    /// <summary>Starts an instance of any account without waiting.</summary>
    /// <param name="context">Tokens of context per sequence.</param>
    /// <param name="preset">As in <see cref="RunningAsync"/>.</param>
    /// <param name="parallel">Concurrent sequences.</param>
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
        var instance = (await ApiClient.CreateInstanceAsync(account, servingName, spec)).Ok.Name;
        _started.Add(instance);
        _ = (await ApiClient.StartAsync(instance)).Ok;
        return instance;
    }

    internal async Task<Instance> ServesAsync(string instance)
    {
        var reached = await ApiClient.UntilAsync(
            instance,
            i => i.State is InstanceState.Running or InstanceState.Failed
        );
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
        return reached;
    }

    /// <summary>Output so far of the runtime of the latest run.</summary>
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

    /// <summary>The built-in preset with a kernel memory limit.</summary>
    private static string Tight()
    {
        string[] arguments =
        [
            $"--data={TightBytes}",
            "llama-server",
            "{arguments}",
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
        var presets = new
        {
            tight = new
            {
                Program = "prlimit",
                Engine = "llama-server",
                Arguments = arguments,
            },
        };
        return JsonSerializer.Serialize(new { Providers = new { Process = new { Presets = presets } } });
    }
}

/// <summary>Shared by all tests that need a real runtime; they run one after the other.</summary>
[StartsFirst]
[CollectionDefinition(Name)]
public sealed class LlamaGroup : ICollectionFixture<LlamaScheduler>
{
    public const string Name = "llama";
}
