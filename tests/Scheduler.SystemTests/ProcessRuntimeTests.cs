using System.Globalization;
using System.Text.Json;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// The scheduler with real child processes on this host instead of the simulated market, across kills of the scheduler.
/// </summary>
public sealed class ProcessRuntimeTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scheduler-").FullName;
    private SchedulerProcess _scheduler = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string State => Path.Combine(_folder, "data", "process");

    public async ValueTask InitializeAsync()
    {
        string[] runtime =
        [
            Path.Combine(AppContext.BaseDirectory, "fake-runtime.dll"),
            "--port",
            "{port}",
            "--serving-name",
            "{serving_name}",
            "--context",
            "{context}",
            "--holds",
            "4096",
            "--mode",
        ];
        var settings = new
        {
            Scheduler = new
            {
                Launch = new { ProbeEvery = "00:00:00.100" },
                Providers = new
                {
                    SweepEvery = "00:00:00.500",
                    SafetyAge = "00:00:01",
                    RefreshEvery = "00:00:01",
                },
            },
            Providers = new
            {
                Simulated = new { Enabled = false },
                Process = new
                {
                    Enabled = true,
                    StateDirectory = "data/process",
                    ProbeEvery = "00:00:00.100",
                    StopGrace = "00:00:02",
                    FirstPort = 29_500,
                    LastPort = 29_599,
                    Cpu = new
                    {
                        Enabled = true,
                        GpuType = "L4",
                        Available = 4,
                        PricePerHour = 0.05,
                    },
                    Presets = new Dictionary<string, object>
                    {
                        ["healthy"] = new { Program = "dotnet", Arguments = runtime.Append("healthy") },
                        ["family"] = new { Program = "dotnet", Arguments = runtime.Append("grandchildren") },
                        ["tight"] = new { Program = "dotnet", Arguments = runtime.Append("oom-above") },
                    },
                },
            },
        };
        await File.WriteAllTextAsync(Path.Combine(_folder, "process.json"), JsonSerializer.Serialize(settings), Ct);
        _scheduler = new SchedulerProcess(_folder, "--config", "process.json");
        await _scheduler.StartAsync(Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _scheduler.KillAsync();
        foreach (var process in Children())
        {
            process.Kill();
            process.Dispose();
        }

        await _scheduler.DisposeAsync();
    }

    [Fact]
    public async Task A_child_process_survives_a_scheduler_kill_and_ends_when_its_instance_stops()
    {
        var api = ApiClient.Of("http", _scheduler);
        var instance = await LaunchAsync(api, "family", "own-host");
        var running = await api.UntilAsync(instance, i => i.State == InstanceState.Running);
        Assert.Equal("providers/process", running.Placement.Offer.Provider);
        await AssertServesAsync("own-host");
        var children = ChildIds();
        Assert.True(children.Count >= 4, "The shell, the runtime and its two children run.");

        await _scheduler.KillAsync();
        Assert.Equal(children, ChildIds());
        await _scheduler.StartAsync(Ct);
        api = ApiClient.Of("http", _scheduler);

        var adopted = (await api.GetInstanceAsync(instance)).Ok;
        Assert.Equal(InstanceState.Running, adopted.State);
        // Long enough for several sweeps, each of which would end orphans and fail vanished instances.
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, Ct);
        Assert.Equal(running.RunningSince, (await api.GetInstanceAsync(instance)).Ok.RunningSince);
        Assert.Equal(children, ChildIds());
        await AssertServesAsync("own-host");
        _ = (await api.StopAsync(instance)).Ok;
        await api.UntilAsync(instance, i => i.State == InstanceState.Stopped && !i.ReleasePending);
        Assert.Empty(ChildIds());
    }

    [Fact(Explicit = true)]
    public async Task A_runtime_out_of_memory_gives_OOM_KILLED_and_the_hinted_context_fits()
    {
        var api = ApiClient.Of("grpc", _scheduler);
        var instance = await LaunchAsync(api, "tight", "tight");
        var failed = await api.UntilAsync(instance, i => i.State == InstanceState.Failed);
        Assert.Equal("OOM_KILLED", failed.Failure.Code);
        Assert.Contains("torch.OutOfMemoryError", failed.Failure.Details["output_tail"]);
        var context = failed.Failure.Details["fitting_context_tokens"];
        Assert.Contains($"set context_tokens to {context} (it was 8192)", failed.Failure.Hint);

        var spec = failed.Spec;
        spec.ContextTokens = long.Parse(context, CultureInfo.InvariantCulture);
        _ = (await api.UpdateAsync(instance, spec, "spec.context_tokens")).Ok;
        _ = (await api.StartAsync(instance)).Ok;

        var reached = await api.UntilAsync(instance, i => i.State is InstanceState.Running or InstanceState.Failed);
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
    }

    [Fact]
    public async Task An_orphaned_child_process_is_released()
    {
        var api = ApiClient.Of("grpc", _scheduler);
        var instance = await LaunchAsync(api, "healthy", "orphan");
        await api.UntilAsync(instance, i => i.State == InstanceState.Running);
        await _scheduler.KillAsync();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(_folder, "data"), "scheduler.db*"))
        {
            File.Delete(file);
        }

        File.Delete(Path.Combine(_folder, "data", "operator.key"));
        Assert.NotEmpty(ChildIds());

        await _scheduler.StartAsync(Ct);

        var began = TimeProvider.System.GetTimestamp();
        while (ChildIds().Count > 0)
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30),
                $"The orphan still runs:\n{_scheduler.Output}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, Ct);
        }
    }

    [Fact(Explicit = true)]
    public async Task The_example_settings_start_a_scheduler()
    {
        await using var example = new SchedulerProcess(
            null,
            "--config",
            Path.Combine(AppContext.BaseDirectory, "silo-config", "process.json")
        );
        await example.StartAsync(Ct);

        Assert.Equal(0, await example.StopAsync(Ct));
    }

    private static async Task<string> LaunchAsync(ApiClient api, string preset, string servingName)
    {
        var account = (await api.CreateAccountAsync("acct-process")).Ok.Name;
        _ = (await api.TopUpAsync(account, 100_000_000, "payment")).Ok;
        var spec = Troubles.On(Troubles.Small);
        spec.Runtime = preset;
        var created = (await api.CreateInstanceAsync(account, servingName, spec)).Ok;
        _ = (await api.StartAsync(created.Name)).Ok;
        return created.Name;
    }

    /// <summary>Calls the runtime itself at the address in its record.</summary>
    private async Task AssertServesAsync(string servingName)
    {
        var record = Assert.Single(
            Directory.GetFiles(Path.Combine(State, "live"), "record.json", SearchOption.AllDirectories)
        );
        using var json = JsonDocument.Parse(await File.ReadAllTextAsync(record, Ct));
        var port = json
            .RootElement.EnumerateObject()
            .Single(p => p.Name.Equals("port", StringComparison.OrdinalIgnoreCase));
        using var client = new HttpClient();
        var models = await client.GetStringAsync(new Uri($"http://127.0.0.1:{port.Value.GetInt32()}/v1/models"), Ct);
        Assert.Contains($"\"{servingName}\"", models);
    }

    private List<int> ChildIds()
    {
        var ids = new List<int>();
        foreach (var process in Children())
        {
            ids.Add(process.Id);
            process.Dispose();
        }

        ids.Sort();
        return ids;
    }

    /// <summary>
    /// All processes that were started for the state directory of this test: each has its path in its environment.
    /// </summary>
    private IEnumerable<System.Diagnostics.Process> Children()
    {
        var mark = $"SCHEDULER_STATE={State}";
        foreach (var process in System.Diagnostics.Process.GetProcesses())
        {
            if (EnvironmentOf(process.Id).Split('\0').Contains(mark))
            {
                yield return process;
            }
            else
            {
                process.Dispose();
            }
        }
    }

    /// <summary>Empty for a process that has exited, is a zombie, or is not readable.</summary>
    private static string EnvironmentOf(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
