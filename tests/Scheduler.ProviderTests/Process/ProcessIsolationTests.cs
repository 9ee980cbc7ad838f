using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Process;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Process;

/// <summary>What the code of a runtime may do on this host.</summary>
public sealed class ProcessIsolationTests : IDisposable
{
    private const int FirstPort = 27_900;

    /// <summary>Reports on itself.</summary>
    private const string Report = """
        grep -E '^(Uid|NoNewPrivs|CapEff|CapBnd)' /proc/self/status > "$HOME/status"
        ulimit -n > "$HOME/files"
        touch "$HOME/done"
        exec sleep 1000
        """;

    /// <summary>Tries to read a secret of the scheduler, and to change what it records.</summary>
    private const string Attempt = """
        cat "$SECRET_FILE" > "$HOME/stolen" 2> "$HOME/refusal"
        (echo changed > "$RECORD_FILE") 2>> "$HOME/refusal"

        """;

    private readonly DirectoryInfo _state = Directory.CreateTempSubdirectory("isolated-");
    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static HostAbilities Root { get; } = new() { IsRoot = true, HasSystemd = false };

    [Fact]
    public async Task A_runtime_of_a_root_scheduler_has_its_own_user_no_rights_and_only_its_own_directory()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can start a process as another user.");
        var options = Options(Attempt + Report);
        using var provider = Open(options);
        var home = await StartAsync(provider, options);
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(home, "done")), "the runtime reports");

        var status = await File.ReadAllLinesAsync(Path.Combine(home, "status"), Ct);
        Assert.Contains("Uid:\t71000\t71000\t71000\t71000", status);
        Assert.Contains("NoNewPrivs:\t1", status);
        Assert.Contains($"CapEff:\t{new string('0', 16)}", status);
        Assert.Contains($"CapBnd:\t{new string('0', 16)}", status);
        Assert.Equal("512", (await File.ReadAllTextAsync(Path.Combine(home, "files"), Ct)).Trim());
        Assert.Empty(await File.ReadAllTextAsync(Path.Combine(home, "stolen"), Ct));
        var refusals = await File.ReadAllLinesAsync(Path.Combine(home, "refusal"), Ct);
        Assert.Equal(2, refusals.Count(line => line.Contains("Permission denied", StringComparison.Ordinal)));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
                File.GetUnixFileMode(home)
            );
        }

        await ReleaseAsync(provider);
        Assert.False(Directory.Exists(home));
    }

    [Fact]
    public async Task A_runtime_of_another_scheduler_gets_no_new_privileges_and_the_limits()
    {
        var options = Options(Report);
        options.Isolation.OwnUsers = false;
        using var provider = Open(options);
        var home = await StartAsync(provider, options);
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(home, "done")), "the runtime reports");

        Assert.Contains("NoNewPrivs:\t1", await File.ReadAllLinesAsync(Path.Combine(home, "status"), Ct));
        Assert.Equal("512", (await File.ReadAllTextAsync(Path.Combine(home, "files"), Ct)).Trim());
        await ReleaseAsync(provider);
        Assert.False(Directory.Exists(home));
    }

    [Fact]
    public async Task A_runtime_that_takes_too_much_memory_ends()
    {
        // tail keeps its whole input, because it contains no line feed.
        var options = Options("head -c 200m /dev/zero | tail > /dev/null || exit 7");
        options.Isolation.MaxMemoryBytes = 64 << 20;
        using var provider = Open(options);
        await StartAsync(provider, options);
        var ended = await Eventually.UntilAsync(
            () => provider.FindAsync(Key, Ct),
            seen => seen?.Status == AllocationStatus.Exited,
            "the runtime ends"
        );
        Assert.Equal(7, ended!.Exit!.ExitCode);
        await ReleaseAsync(provider);
    }

    [Fact]
    public void Systemd_gets_a_scope_with_the_limits()
    {
        var options = Options("");
        options.Isolation.MaxMemoryBytes = 1 << 30;
        options.Isolation.LoopbackOnly = true;
        var command = CommandOf(options, Root with { HasSystemd = true });
        Assert.Equal(
            [
                "systemd-run",
                "--scope",
                "--quiet",
                "--collect",
                "--unit=scheduler-runtime-i-alone-r1-a1",
                "--property=TasksMax=32768",
                "--property=MemoryMax=1073741824",
                "--property=IPAddressDeny=any",
                "--property=IPAddressAllow=localhost",
                "--",
                "prlimit",
            ],
            command.Take(11)
        );
        Assert.DoesNotContain(command, word => word.StartsWith("--data", StringComparison.Ordinal));
    }

    [Fact]
    public void Limits_never_exceed_those_of_the_scheduler()
    {
        var command = CommandOf(Options(""), Root with { OpenFiles = 300, Processes = 200 });
        Assert.Contains("--nofile=300:300", command);
        Assert.Contains("--nproc=200:200", command);
    }

    [Fact]
    public void What_the_host_lacks_is_a_fault_of_the_settings()
    {
        var user = new HostAbilities { IsRoot = false, HasSystemd = false };
        Assert.Empty(Faults(new(), Root));
        Assert.Empty(Faults(new(), user));
        Assert.Equal(["X:OwnUsers"], Faults(new() { OwnUsers = true }, user));
        Assert.Equal(["X:LoopbackOnly"], Faults(new() { LoopbackOnly = true }, Root));
        Assert.Equal(["X:Cgroup"], Faults(new() { Cgroup = _state.FullName }, Root));
        Assert.Equal(["X:FirstUser"], Faults(new(), Root with { Users = [(0, 65_536)] }));
        Assert.Equal(["X"], Faults(new(), Root with { Missing = "setpriv" }));
        Assert.Equal(["X:MaxMemoryBytes"], Faults(new() { MaxMemoryBytes = 1 }, Root));
    }

    public void Dispose()
    {
        _services.Dispose();
        _state.Delete(recursive: true);
        if (Directory.Exists(Homes))
        {
            Directory.Delete(Homes, recursive: true);
        }
    }

    private static AllocationKey Key => new("i-alone-r1-a1");

    /// <summary>Another user passes through it, and not through the state directory.</summary>
    private string Homes { get; } = Path.Combine(Path.GetTempPath(), $"isolated-homes-{Guid.NewGuid():N}");

    private static IEnumerable<string> Faults(ProcessIsolationOptions options, HostAbilities host) =>
        options.Faults("X", 1000, host).Select(fault => fault.Path);

    private string[] CommandOf(ProcessOptions options, HostAbilities host)
    {
        using var store = new ProcessStore(_state.FullName, TimeProvider.System.GetUtcNow());
        var record = new ProcessRecord
        {
            Key = Key.Value,
            Cluster = "local",
            Instance = "i-alone",
            CreatedAt = TimeProvider.System.GetUtcNow(),
            BootId = "",
            Port = FirstPort,
            HealthPath = "/",
        };
        return [.. new ProcessIsolation(options, store, host).CommandOf(record)];
    }

    private ProcessOptions Options(string script)
    {
        var secret = Path.Combine(_state.FullName, "operator.key");
        File.WriteAllText(secret, "planted");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        }

        return new ProcessOptions
        {
            Enabled = true,
            StateDirectory = _state.FullName,
            FirstPort = FirstPort,
            LastPort = FirstPort + 9,
            StopGrace = TimeSpan.FromSeconds(1),
            Cpu = { Enabled = true },
            Environment =
            {
                ["SECRET_FILE"] = secret,
                ["RECORD_FILE"] = Path.Combine(_state.FullName, "live", Key.Value, "stat"),
            },
            Isolation =
            {
                FirstUser = 71_000,
                HomeDirectory = Homes,
                MaxOpenFiles = 512,
            },
            Presets =
            {
                ["script"] = new ProcessPresetOptions { Program = "sh", Arguments = ["-c", script, "{port}"] },
            },
        };
    }

    private ProcessProvider Open(ProcessOptions options) =>
        new(
            options,
            new RuntimeOptions { ModelDirectories = ["/models"] },
            (_, _, _) => null,
            _services.GetRequiredService<IHttpClientFactory>(),
            TimeProvider.System,
            NullLogger<ProcessProvider>.Instance
        );

    /// <summary>Starts the script.</summary>
    /// <returns>Its private directory.</returns>
    private async Task<string> StartAsync(ProcessProvider provider, ProcessOptions options)
    {
        var outcome = await provider.AllocateAsync(
            new AllocationRequest(
                Key,
                new AllocationTag("local", new InstanceId("i-alone")),
                ProcessMapping.CpuOffer(options, 0),
                new RuntimeSpec
                {
                    Preset = "script",
                    Model = "/models/tiny.gguf",
                    ServingName = "tiny",
                }
            ),
            Ct
        );
        Assert.True(outcome.Allocation is not null, outcome.ToString());
        return options.Isolation.OwnUsers == false || !Environment.IsPrivilegedProcess
            ? Path.Combine(_state.FullName, "live", Key.Value, "home")
            : Path.Combine(Homes, Key.Value);
    }

    private static Task<ReleaseOutcome> ReleaseAsync(ProcessProvider provider) =>
        Eventually.UntilAsync(
            () => provider.ReleaseAsync(Key, Ct),
            outcome => outcome == ReleaseOutcome.Released,
            "the runtime is released"
        );
}
