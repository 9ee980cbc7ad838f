using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Process;
using Xunit;

namespace Scheduler.ProviderTests.Process;

/// <summary>The provider contract on real child processes, and behaviour specific to processes.</summary>
public sealed class ProcessProviderTests : ProviderConformance
{
    private static int _lastPort = 28_000;

    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("process-provider-");

    /// <summary>The users of the runtimes cannot pass through <see cref="_state"/>.</summary>
    private readonly string _homes = Path.Combine(Path.GetTempPath(), $"process-homes-{Guid.NewGuid():N}");

    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
    private string? _path;
    private readonly int _firstPort = Interlocked.Add(ref _lastPort, 20);

    private ProcessOptions Options()
    {
        var options = new ProcessOptions
        {
            Enabled = true,
            StateDirectory = _state.FullName,
            NvidiaSmi = Path.Combine(_state.FullName, "nvidia-smi"),
            FirstPort = _firstPort,
            LastPort = _firstPort + 19,
            ProbeEvery = TimeSpan.FromMilliseconds(50),
            StopGrace = TimeSpan.FromSeconds(1),
            MaxOutputBytes = 64 << 10,
            Cpu = { Enabled = true, Available = 3 },
            Environment = { ["FAKE_SETTING"] = "set" },
            Isolation = { HomeDirectory = _homes },
        };
        if (_path is not null)
        {
            options.Environment["PATH"] = _path;
        }

        FakeRuntimes.AddTo(options);
        return options;
    }

    protected override IProvider Open() =>
        new ProcessProvider(
            Options(),
            new RuntimeOptions { ModelDirectories = ["/models"] },
            (gpu, vramGib, _) => gpu is "H100-80GB-HBM3" && vramGib > 79 ? "H100-80GB-SXM" : null,
            _services.GetRequiredService<IHttpClientFactory>(),
            TimeProvider.System,
            NullLogger<ProcessProvider>.Instance
        );

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        RequestOf(key, FakeRuntimes.ModeOf(behaviour), cluster);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _services.DisposeAsync();
        _state.Delete(recursive: true);
        if (Directory.Exists(_homes))
        {
            Directory.Delete(_homes, recursive: true);
        }
    }

    [Fact]
    public async Task The_child_process_gets_only_its_tag_and_settings_in_its_environment()
    {
        Environment.SetEnvironmentVariable("SCHEDULER_TEST_SECRET", "password");
        var request = RequestOf("i-env-r1-a1", "healthy");
        await Provider.AllocateAsync(request, Ct);
        var ready = await BecomesAsync(request.Key, AllocationStatus.Ready);

        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();
        var environment = await http.GetFromJsonAsync<Dictionary<string, string>>(new Uri(ready.Endpoint!, "env"), Ct);

        Assert.NotNull(environment);
        Assert.Equal("i-env-r1-a1", environment["SCHEDULER_ALLOCATION"]);
        Assert.Equal(Cluster, environment["SCHEDULER_CLUSTER"]);
        Assert.Equal("i-env", environment["SCHEDULER_INSTANCE"]);
        Assert.Equal("", environment["CUDA_VISIBLE_DEVICES"]);
        Assert.Equal("set", environment["FAKE_SETTING"]);
        Assert.DoesNotContain("SCHEDULER_TEST_SECRET", environment);
    }

    [Fact]
    public async Task The_key_and_the_variables_of_the_account_are_in_the_environment_only_INV_13()
    {
        const string key = "planted-runtime-key";
        const string token = "planted-hub-token";
        var request = RequestOf("i-own-r1-a1", "guarded") with
        {
            RuntimeKey = new RuntimeKey(key),
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("HF_TOKEN", token),
        };

        await Provider.AllocateAsync(request, Ct);
        var ready = await BecomesAsync(request.Key, AllocationStatus.Ready);

        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();
        using var stranger = await http.GetAsync(new Uri(ready.Endpoint!, "env"), Ct);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var environment = await http.GetFromJsonAsync<Dictionary<string, string>>(new Uri(ready.Endpoint!, "env"), Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);
        Assert.Equal((key, token), (environment!["FAKE_KEY"], environment["HF_TOKEN"]));
        foreach (var file in Directory.EnumerateFiles(_state.FullName, "*", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("planted", await File.ReadAllTextAsync(file, Ct), StringComparison.Ordinal);
        }

        foreach (var process in Directory.EnumerateDirectories("/proc").Where(IsProcess))
        {
            Assert.DoesNotContain("planted", CommandLineOf(process), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_probe_of_a_scheduler_that_restarted_has_the_key_of_a_guarded_health_path()
    {
        var request = RequestOf("i-adopt-r1-a1", "guarded") with { RuntimeKey = new RuntimeKey("adopted-key") };
        await Provider.AllocateAsync(request, Ct);
        await BecomesAsync(request.Key, AllocationStatus.Ready);

        var restarted = Open();
        var seen = await restarted.FindAsync(request.Key, Ct);
        (restarted as IDisposable)?.Dispose();

        Assert.Equal(AllocationStatus.Ready, seen?.Status);
    }

    [Fact]
    public async Task An_image_and_a_reserved_variable_are_rejected()
    {
        var image = RequestOf("i-image-r1-a1", "healthy");
        image = image with { Runtime = image.Runtime with { Image = "ghcr.io/acme/vllm:1" } };
        var preload = RequestOf("i-preload-r1-a1", "healthy") with
        {
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("LD_PRELOAD", "/tmp/x.so"),
        };

        var (first, second) = (await Provider.AllocateAsync(image, Ct), await Provider.AllocateAsync(preload, Ct));

        Assert.Equal(RejectionKind.InvalidRequest, first.Rejection?.Kind);
        Assert.Contains("starts no image", first.Rejection!.ProviderWords);
        Assert.Equal(RejectionKind.InvalidRequest, second.Rejection?.Kind);
        Assert.Contains("`LD_PRELOAD`", second.Rejection!.ProviderWords);
        Assert.Null(await Provider.FindAsync(image.Key, Ct));
    }

    private static bool IsProcess(string folder) => int.TryParse(Path.GetFileName(folder), out _);

    private static string CommandLineOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended.
            return "";
        }
    }

    [Fact]
    public async Task Sigkill_without_an_OOM_kill_of_the_kernel_is_a_plain_exit()
    {
        var request = RequestOf("i-kill-r1-a1", "kill-9");
        await Provider.AllocateAsync(request, Ct);

        var ended = await BecomesAsync(request.Key, AllocationStatus.Exited);

        Assert.Equal(137, ended.Exit?.ExitCode);
        Assert.Equal(FailureCode.RuntimeExited, ExitDiagnosis.Diagnose(ended.Exit!, wasServing: false));
        Assert.StartsWith(
            "The runtime was killed (exit code 137, SIGKILL); the provider says: KilledFromOutside: the kernel",
            ExitDiagnosis.Explain(ended.Exit!, wasServing: false)
        );
    }

    [Theory]
    [InlineData("137 3 4\n", FailureCode.OomKilled)]
    [InlineData("137 3 3\n", FailureCode.RuntimeExited)]
    [InlineData("137  \n", FailureCode.RuntimeExited)]
    [InlineData("137\n", FailureCode.RuntimeExited)]
    [InlineData("1 3 4\n", FailureCode.RuntimeExited)]
    public void A_kill_counts_as_OOM_only_when_the_kernel_counted_an_OOM_kill(string exitFile, FailureCode expected)
    {
        var exit = ProcessFailures.ExitOf(exitFile, "serving");

        Assert.Equal(exitFile.StartsWith("137", StringComparison.Ordinal) ? 137 : 1, exit.ExitCode);
        Assert.Equal(expected, ExitDiagnosis.Diagnose(exit, wasServing: true));
    }

    [Fact]
    public async Task Exit_code_and_output_of_a_runtime_are_known_after_a_scheduler_restart()
    {
        var request = RequestOf("i-die-r1-a1", "healthy");
        await Provider.AllocateAsync(request, Ct);
        var ready = await BecomesAsync(request.Key, AllocationStatus.Ready);
        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();

        await Record.ExceptionAsync(() => http.GetAsync(new Uri(ready.Endpoint!, "die"), Ct));
        await BecomesAsync(request.Key, AllocationStatus.Exited);
        var found = await Reopen().FindAsync(request.Key, Ct);

        Assert.Equal(3, found?.Exit?.ExitCode);
        Assert.Equal("RuntimeError: asked to die", ExitDiagnosis.Explain(found!.Exit!, wasServing: true));
    }

    [Fact]
    public async Task A_runtime_that_stops_answering_is_unhealthy_and_not_exited()
    {
        var request = RequestOf("i-sick-r1-a1", "turns-unhealthy");
        await Provider.AllocateAsync(request, Ct);

        await BecomesAsync(request.Key, AllocationStatus.Ready);
        var sick = await BecomesAsync(request.Key, AllocationStatus.Unhealthy);

        Assert.NotNull(sick.Endpoint);
    }

    [Fact]
    public async Task Release_also_ends_grandchildren_that_left_the_session()
    {
        var request = RequestOf("i-family-r1-a1", "grandchildren");
        await Provider.AllocateAsync(request, Ct);
        await BecomesAsync(request.Key, AllocationStatus.Ready);
        Assert.True(Living("i-family-r1-a1").Count >= 4, "The shell, the runtime and two child processes run.");

        await ReleaseAsync(request.Key);

        Assert.Empty(Living("i-family-r1-a1"));
    }

    [Fact]
    public async Task Release_is_pending_until_a_runtime_that_ignores_sigterm_is_killed()
    {
        var request = RequestOf("i-stubborn-r1-a1", "ignores-term");
        await Provider.AllocateAsync(request, Ct);
        await BecomesAsync(request.Key, AllocationStatus.Ready);

        await ReleaseAsync(request.Key);

        Assert.Empty(Living("i-stubborn-r1-a1"));
    }

    [Fact]
    public async Task A_child_whose_record_is_lost_is_still_listed_and_can_be_released()
    {
        var request = RequestOf("i-lost-r1-a1", "healthy");
        await Provider.AllocateAsync(request, Ct);
        Directory.Delete(Path.Combine(_state.FullName, "live", "i-lost-r1-a1"), recursive: true);

        var stray = Assert.Single(await Provider.ListAllocationsAsync(Cluster, Ct));
        Assert.Equal(request.Key, stray.Key);
        Assert.Equal(request.Tag, stray.Tag);
        await ReleaseAsync(request.Key);

        Assert.Empty(Living("i-lost-r1-a1"));
        Assert.Empty(await Provider.ListAllocationsAsync(Cluster, Ct));
    }

    [Fact]
    public async Task Output_is_bounded_and_an_excerpt_is_kept()
    {
        var request = RequestOf("i-noisy-r1-a1", "noisy");
        await Provider.AllocateAsync(request, Ct);
        await BecomesAsync(request.Key, AllocationStatus.Ready);
        var log = new FileInfo(Path.Combine(_state.FullName, "live", "i-noisy-r1-a1", "output.log"));

        var largest = 0L;
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(20, Ct);
            await Provider.FindAsync(request.Key, Ct);
            log.Refresh();
            largest = Math.Max(largest, log.Length);
        }

        Assert.InRange(largest, 1, 8 << 20);
        Assert.InRange(
            ProcessOutput.Tail(log.FullName).Length,
            RuntimeExit.MaxOutputTailChars / 2,
            RuntimeExit.MaxOutputTailChars
        );
    }

    [Fact]
    public async Task A_missing_program_is_refused()
    {
        var outcome = await Provider.AllocateAsync(RequestOf("i-vllm-r1-a1", "llama-server"), Ct);

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Contains("llama-server", outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
    }

    /// <summary>F1: the provider itself refuses, because a stored spec may be older than the launch checks.</summary>
    [Theory]
    [InlineData("/models/tiny.gguf", "--host", "0.0.0.0")]
    [InlineData("/models/tiny.gguf", "--path", "/")]
    [InlineData("/models/tiny.gguf", "--log-file=/tmp/x")]
    [InlineData("/models/tiny.gguf", "--simulated-yes=x")]
    [InlineData("/models/../etc/passwd")]
    [InlineData("/etc/passwd")]
    public async Task What_a_caller_may_not_pass_is_never_started(string model, params string[] arguments)
    {
        foreach (var preset in (string[])["llama-server", "healthy"])
        {
            var request = RequestOf($"i-f1-{preset}-r1-a1", preset);
            request = request with
            {
                Runtime = request.Runtime with { Model = model, ExtraArguments = [.. arguments] },
            };

            var outcome = await Provider.AllocateAsync(request, Ct);

            Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
            Assert.Contains("permit", outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
            Assert.Null(await Provider.FindAsync(request.Key, Ct));
        }
    }

    [Fact]
    public async Task Ollama_pulls_its_model_and_gives_it_the_serving_name()
    {
        // The user of the runtime writes there, and cannot pass through the state directory.
        var folder = Directory.CreateDirectory(_homes + "-bin").FullName;
        Permit(folder);
        Program(
            Path.Combine(folder, "ollama"),
            """
            here=$(dirname "$0")
            case "$1" in
              serve) echo "$OLLAMA_CONTEXT_LENGTH" > "$here/up"; exec sleep 60 ;;
              list) test -e "$here/up" ;;
              *) echo "$*" >> "$here/log" ;;
            esac
            """
        );
        _path = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}";
        var request = RequestOf("i-ollama-r1-a1", "ollama");
        request = request with { Runtime = request.Runtime with { Model = "org/name:Q4_K_M", ContextTokens = 4096 } };

        Assert.True((await Reopen().AllocateAsync(request, Ct)).IsAllocated);

        var log = Path.Combine(folder, "log");
        while (!File.Exists(log) || (await File.ReadAllLinesAsync(log, Ct)).Length < 2)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Ct);
        }

        Assert.Equal(
            ["pull hf.co/org/name:Q4_K_M", "cp hf.co/org/name:Q4_K_M tiny"],
            await File.ReadAllLinesAsync(log, Ct)
        );
        Assert.Equal("4096", (await File.ReadAllTextAsync(Path.Combine(folder, "up"), Ct)).Trim());
        await ReleaseAsync(request.Key);
        Assert.Empty(Living(request.Key.Value));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("")]
    public async Task A_key_that_is_not_a_file_name_is_refused(string key)
    {
        var request = RequestOf("i-x-r1-a1", "healthy") with { Key = new AllocationKey(key) };

        var outcome = await Provider.AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Null(await Provider.FindAsync(request.Key, Ct));
        Assert.Equal(ReleaseOutcome.Released, await Provider.ReleaseAsync(request.Key, Ct));
    }

    [Fact]
    public async Task A_model_name_that_looks_like_an_option_is_refused()
    {
        var request = RequestOf("i-option-r1-a1", "healthy");

        var outcome = await Provider.AllocateAsync(
            request with
            {
                Runtime = request.Runtime with { Model = "--trust-remote-code" },
            },
            Ct
        );

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
    }

    [Fact]
    public async Task Gpus_are_offered_by_count_and_assigned_by_uuid()
    {
        FakeNvidiaSmi(
            "NVIDIA H100 80GB HBM3, 81559, 81000, 580.1, GPU-a",
            "NVIDIA H100 80GB HBM3, 81559, 81000, 580.1, GPU-b",
            "NVIDIA H100 80GB HBM3, 81559, 9000, 580.1, GPU-busy",
            "Mystery 9000, 8192, 8192, 580.1, GPU-m",
            "not a line"
        );
        var provider = Reopen();

        var listing = await provider.ListOffersAsync(Ct);
        var gpus = listing.Offers.Where(offer => offer.GpuType is "H100-80GB-SXM").ToList();
        Assert.Equal([(1, 2), (2, 1)], gpus.Select(offer => (offer.GpuCount, offer.Available)));
        Assert.Equal(1, listing.Skipped["in_use"]);
        Assert.Equal(1, listing.Skipped["unknown_gpu"]);
        Assert.Equal(1, listing.Skipped["unreadable"]);

        var request = RequestOf("i-gpu-r1-a1", "healthy") with { Offer = gpus[0] };
        Assert.True((await provider.AllocateAsync(request, Ct)).IsAllocated);
        var ready = await BecomesAsync(request.Key, AllocationStatus.Ready);
        using var http = _services.GetRequiredService<IHttpClientFactory>().CreateClient();
        var environment = await http.GetFromJsonAsync<JsonElement>(new Uri(ready.Endpoint!, "env"), Ct);
        Assert.Equal("GPU-a", environment.GetProperty("CUDA_VISIBLE_DEVICES").GetString());

        var left = (await provider.ListOffersAsync(Ct)).Offers.Where(offer => offer.GpuType is "H100-80GB-SXM");
        Assert.Equal([(1, 1), (2, 0)], left.Select(offer => (offer.GpuCount, offer.Available)));
        var tooMany = await provider.AllocateAsync(RequestOf("i-two-r1-a1", "healthy") with { Offer = gpus[1] }, Ct);
        Assert.Equal(RejectionKind.OutOfStock, tooMany.Rejection?.Kind);
    }

    private static AllocationRequest RequestOf(string key, string preset, string cluster = Cluster) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, InstanceOf(key)),
            ProcessMapping.CpuOffer(new ProcessOptions(), 0),
            new RuntimeSpec
            {
                Preset = preset,
                Model = "/models/tiny.gguf",
                ServingName = "tiny",
            }
        );

    private void FakeNvidiaSmi(params string[] lines) =>
        Program(Path.Combine(_state.FullName, "nvidia-smi"), "cat <<'END'\n" + string.Join('\n', lines) + "\nEND");

    private static void Program(string path, string script)
    {
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        Permit(path);
    }

    /// <summary>Gives all users all rights.</summary>
    private static void Permit(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, (UnixFileMode)0x1FF);
        }
    }

    private static List<int> Living(string key) =>
        [
            .. ProcFs
                .All()
                .Where(process =>
                    process.IsAlive
                    && ProcFs.Environment(process.Id).GetValueOrDefault("SCHEDULER_ALLOCATION") is { } tag
                    && tag.Equals(key, StringComparison.Ordinal)
                )
                .Select(process => process.Id),
        ];
}
