using System.Reflection;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Docker;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

/// <summary>The adapter on real engines. The played one must not differ where the adapter looks.</summary>
public sealed class RealEngineTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory(Explicit = true)]
    [InlineData("docker")]
    [InlineData("podman")]
    public async Task A_real_engine_keeps_the_contract(string kind)
    {
        await using var engine = await RealEngine.StartAsync(kind);
        var log = TestContext.Current.TestOutputHelper!;
        var failures = new List<string>();
        foreach (var (method, arguments) in Tests())
        {
            var started = TimeProvider.System.GetTimestamp();
            var test = new OnEngine(engine);
            var fault = await RunAsync(test, method, arguments);
            log.WriteLine(
                $"{method.Name}({string.Join(", ", arguments)}): {fault ?? "passed"}, {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0.0} s"
            );
            if (fault is not null)
            {
                failures.Add($"{method.Name}: {fault}");
            }
        }

        Assert.Empty(failures);
    }

    [Theory(Explicit = true)]
    [InlineData("docker", FailureCode.OomKilled)]
    // Podman 4.3 does not tell why the kernel killed it.
    [InlineData("podman", FailureCode.RuntimeExited)]
    public async Task A_container_over_its_memory_limit_ends_with_what_the_engine_knows(string kind, FailureCode code)
    {
        await using var engine = await RealEngine.StartAsync(kind);
        await using var host = HostAt(engine);
        host.Host.MemoryGibPerGpu = 1;
        var provider = host.Open();
        var request = DockerHost.Request("i-hog-r1-a1", "hog", DockerSlots.CpuOfferId);

        var outcome = await provider.AllocateAsync(request, Ct);
        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        var ended = await Eventually.UntilAsync(
            () => provider.FindAsync(request.Key, Ct),
            found => found?.Status == AllocationStatus.Exited,
            "the kernel ends it"
        );

        Assert.Equal(137, ended!.Exit!.ExitCode);
        Assert.Equal(code, ExitDiagnosis.Diagnose(ended.Exit, wasServing: false));
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(request.Key, Ct));
    }

    [Theory(Explicit = true)]
    [InlineData("docker", "could not select device driver")]
    [InlineData("podman", "is not an offer of this host now")]
    public async Task A_host_without_nvidia_says_so_and_keeps_nothing(string kind, string words)
    {
        await using var engine = await RealEngine.StartAsync(kind);
        await using var host = HostAt(engine);
        host.Host.Gpus = [new DockerGpuOptions { Type = "RTX4090", Count = 1 }];
        var provider = host.Open();

        var outcome = await provider.AllocateAsync(DockerHost.Request("i-gpu-r1-a1"), Ct);

        TestContext.Current.TestOutputHelper!.WriteLine(outcome.Rejection?.ProviderWords ?? "allocated");
        Assert.Contains(words, outcome.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Null(await provider.FindAsync(new AllocationKey("i-gpu-r1-a1"), Ct));
    }

    [Theory(Explicit = true)]
    [InlineData("docker")]
    [InlineData("podman")]
    public async Task An_image_that_cannot_be_pulled_is_refused_in_the_engines_words(string kind)
    {
        await using var engine = await RealEngine.StartAsync(kind);
        await using var host = HostAt(engine);
        host.Options.Presets["serves"].Image = "registry.invalid/none:1";
        var provider = host.Open();

        var outcome = await provider.AllocateAsync(
            DockerHost.Request("i-none-r1-a1", offer: DockerSlots.CpuOfferId),
            Ct
        );

        TestContext.Current.TestOutputHelper!.WriteLine(outcome.Rejection?.ProviderWords ?? "allocated");
        Assert.StartsWith(
            "pull of registry.invalid/none:1",
            outcome.Rejection?.ProviderWords,
            StringComparison.Ordinal
        );
    }

    private static DockerHost HostAt(RealEngine engine)
    {
        var host = DockerHost.At("unix://" + engine.Socket);
        host.Host.Gpus = [];
        host.Host.Cpu = new DockerCpuOptions
        {
            Enabled = true,
            Available = 3,
            GpuType = "RTX4090",
        };
        foreach (var preset in host.Options.Presets.Values)
        {
            preset.Image = RealEngine.Image;
        }

        return host;
    }

    private static IEnumerable<(MethodInfo Method, object[] Arguments)> Tests() =>
        from method in typeof(ProviderConformance).GetMethods(BindingFlags.Public | BindingFlags.Instance)
        where method.GetCustomAttribute<FactAttribute>() is not null
        from arguments in method
            .GetCustomAttributes<InlineDataAttribute>()
            .Select(data => data.Data!)
            .DefaultIfEmpty([])
        select (method, arguments!);

    private static async Task<string?> RunAsync(OnEngine test, MethodInfo method, object[] arguments)
    {
        await test.InitializeAsync();
        try
        {
            await (Task)method.Invoke(test, arguments)!;
            return null;
        }
        catch (Exception e) when (!Ct.IsCancellationRequested)
        {
            return e.ToString();
        }
        finally
        {
            await test.DisposeAsync();
        }
    }

    private sealed class OnEngine(RealEngine engine) : ProviderConformance
    {
        private readonly DockerHost _host = HostAt(engine);

        protected override IProvider Open() => _host.Open();

        protected override AllocationRequest Request(
            string key,
            RuntimeBehaviour behaviour,
            string cluster = Cluster
        ) => DockerHost.Request(key, DockerConformanceTests.ModeOf(behaviour), DockerSlots.CpuOfferId, cluster);

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            await _host.DisposeAsync();
        }
    }
}
