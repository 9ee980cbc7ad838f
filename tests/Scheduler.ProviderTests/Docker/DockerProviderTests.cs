using System.Text;
using System.Text.Json.Nodes;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Docker;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

/// <summary>What is special to engines: lost answers, names, GPUs, pulls, the end of a container.</summary>
public sealed class DockerProviderTests : IAsyncLifetime
{
    private const string Key = "i-one-r1-a1";

    private DockerHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _host = await DockerHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task What_is_sent_to_create_a_container_is_as_agreed()
    {
        _host.Host.ModelCache = "models";
        _host.Host.MemoryGibPerGpu = 32;
        _host.Host.Binds = ["/srv/models:/models:ro"];
        _host.Options.Environment["HF_HUB_OFFLINE"] = "1";
        var request = DockerHost.Request(Key, offer: "RTX4090x2") with { Environment = Variables(("TOKEN", "t")) };

        await _host.Open().AllocateAsync(request, Ct);

        var recorded = await File.ReadAllTextAsync(
            Repository.Path("tests/Scheduler.ProviderTests/Docker/create.json"),
            Ct
        );
        var sent = Assert.Single(_host.Server.CreateRequests);
        Assert.True(
            JsonNode.DeepEquals(JsonNode.Parse(recorded), sent),
            sent.ToJsonString(new System.Text.Json.JsonSerializerOptions { WriteIndented = true })
        );
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    public async Task A_lost_answer_is_an_unknown_outcome_and_the_next_call_finds_the_container(int creates, int starts)
    {
        _host.Quirks.LostCreates = creates;
        _host.Quirks.LostStarts = starts;
        var request = DockerHost.Request(Key);
        for (var lost = 0; lost < creates + starts; lost++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => _host.Open().AllocateAsync(request, Ct));
        }

        var outcome = await _host.Open().AllocateAsync(request, Ct);

        Assert.True(outcome.IsAllocated);
        Assert.Equal(1, _host.Server.Created);
        Assert.Equal(1, _host.Server.MostUsersOfOneGpu);
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_never_taken_for_an_empty_one()
    {
        var provider = _host.Open();
        await provider.AllocateAsync(DockerHost.Request(Key), Ct);
        _host.Quirks.IsDown = true;

        await Assert.ThrowsAsync<HttpRequestException>(() => provider.FindAsync(new AllocationKey(Key), Ct));
        await Assert.ThrowsAsync<HttpRequestException>(() => provider.ListAllocationsAsync("cluster-a", Ct));
        await Assert.ThrowsAsync<HttpRequestException>(() => provider.ListOffersAsync(Ct));
        await Assert.ThrowsAsync<HttpRequestException>(() => provider.ReleaseAsync(new AllocationKey(Key), Ct));
        _host.Quirks.IsDown = false;
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(new AllocationKey(Key), Ct));
    }

    [Fact]
    public async Task A_container_of_somebody_else_with_the_name_is_left_alone()
    {
        await _host.Open().AllocateAsync(DockerHost.Request("i-any-r1-a1"), Ct);
        _host.Server.CreateForeign("scheduler-" + Key, "fake-runtime:1");

        var outcome = await _host.Open().AllocateAsync(DockerHost.Request(Key), Ct);

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Contains("none of this scheduler's", outcome.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Equal(ReleaseOutcome.Released, await _host.Open().ReleaseAsync(new AllocationKey(Key), Ct));
        Assert.True(_host.Server.End("scheduler-" + Key, 0));
    }

    [Fact]
    public async Task A_release_during_an_allocation_leaves_nothing_and_bars_the_key()
    {
        var request = DockerHost.Request(Key);
        // The release runs after the container exists, and before its scheduler starts it.
        _host.Quirks.AfterCreate = async _ =>
        {
            _host.Quirks.AfterCreate = _ => Task.CompletedTask;
            await _host.Open().ReleaseAsync(request.Key, Ct);
        };

        var outcome = await _host.Open().AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Empty(await _host.Open().ListAllocationsAsync("cluster-a", Ct));
        Assert.Equal(0, _host.Server.MostUsersOfOneGpu);
    }

    [Theory]
    [InlineData("missing", "not found: manifest for")]
    [InlineData("private", "no rights: pull access denied")]
    [InlineData("limited", "rate limit: toomanyrequests")]
    [InlineData("no-space", "disk full: failed to register layer")]
    [InlineData("arm64", "not for this architecture: no matching manifest")]
    [InlineData("unreachable", "registry not reached: Get")]
    public async Task A_failed_pull_is_refused_by_its_cause(string tag, string words)
    {
        _host.Options.Presets["serves"].Image = $"acme/runtime:{tag}";

        var outcome = await _host.Open().AllocateAsync(DockerHost.Request(Key), Ct);

        Assert.Equal(RejectionKind.Image, outcome.Rejection?.Kind);
        Assert.Contains(words, outcome.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Equal(0, _host.Server.Created);
    }

    [Fact]
    public async Task A_long_pull_ends_the_launch_with_its_progress_and_goes_on()
    {
        _host.Options.Presets["serves"].Image = "acme/runtime:slow";
        _host.Options.PullWait = TimeSpan.FromMilliseconds(100);
        var provider = _host.Open();

        var first = await provider.AllocateAsync(DockerHost.Request(Key), Ct);
        var second = await provider.AllocateAsync(DockerHost.Request("i-two-r1-a1"), Ct);

        Assert.Equal(RejectionKind.OutOfStock, first.Rejection?.Kind);
        Assert.Contains(
            "acme/runtime:slow (1.5 of at least 9.0 GB)",
            first.Rejection?.ProviderWords,
            StringComparison.Ordinal
        );
        Assert.Equal(RejectionKind.OutOfStock, second.Rejection?.Kind);
        Assert.Single(_host.Server.PullAuths);
    }

    [Fact]
    public async Task A_pull_carries_the_credentials_of_its_registry_only()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "pässwort?>\n", Ct);
        _host.Options.Registries["ghcr.io"] = new DockerRegistryOptions { Username = "bot", PasswordFile = file };
        _host.Options.Presets["serves"].Image = "ghcr.io/acme/runtime";
        await _host.Open().AllocateAsync(DockerHost.Request(Key), Ct);
        _host.Options.Presets["serves"].Image = "acme/runtime";
        await _host.Open().AllocateAsync(DockerHost.Request("i-two-r1-a1"), Ct);
        File.Delete(file);

        Assert.Equal(2, _host.Server.PullAuths.Count);
        var header = _host.Server.PullAuths[0]!.Replace('-', '+').Replace('_', '/');
        var sent = JsonNode.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(header)))!;
        Assert.Equal("pässwort?>", sent["password"]!.GetValue<string>());
        Assert.Equal("ghcr.io", sent["serveraddress"]!.GetValue<string>());
        Assert.Null(_host.Server.PullAuths[1]);
    }

    [Fact]
    public async Task A_container_that_cannot_start_is_removed_and_refused_in_the_engines_words()
    {
        _host.Quirks.HasNoNvidia = true;
        var gpu = await _host.Open().AllocateAsync(DockerHost.Request(Key), Ct);
        _host.Quirks.HasNoNvidia = false;
        _host.Quirks.HasNoPort = true;
        var port = await _host.Open().AllocateAsync(DockerHost.Request(Key), Ct);

        Assert.Equal(RejectionKind.ProviderError, gpu.Rejection?.Kind);
        Assert.StartsWith(DockerFailures.NoGpuWords, gpu.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Contains("could not select device driver", gpu.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Contains("port is already allocated", port.Rejection?.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(await _host.Open().ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_container_over_its_memory_is_out_of_memory_and_a_plain_SIGKILL_is_not()
    {
        var provider = _host.Open();
        await provider.AllocateAsync(DockerHost.Request(Key, "hog"), Ct);
        await provider.AllocateAsync(DockerHost.Request("i-two-r1-a1"), Ct);
        _host.Server.End("i-two-r1-a1", 137);

        var memory = await provider.FindAsync(new AllocationKey(Key), Ct);
        var killed = await provider.FindAsync(new AllocationKey("i-two-r1-a1"), Ct);

        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(memory!.Exit!, wasServing: false));
        Assert.Equal(137, killed!.Exit!.ExitCode);
        Assert.Equal(FailureCode.RuntimeExited, ExitDiagnosis.Diagnose(killed.Exit, wasServing: true));
        Assert.Equal("starting mode serves\nloading weights, 重み\nready\n", killed.Exit.OutputTail);
    }

    [Fact]
    public async Task A_runtime_that_falls_silent_is_unhealthy_and_keeps_its_endpoint()
    {
        _host.Options.UnhealthyAfterProbes = 2;
        var provider = _host.Open();
        await provider.AllocateAsync(DockerHost.Request(Key), Ct);
        await StatusAsync(provider, AllocationStatus.Ready);
        _host.Server.Silence(Key);

        var seen = await StatusAsync(provider, AllocationStatus.Unhealthy);

        Assert.NotNull(seen.Endpoint);
        Assert.Null(seen.Exit);
    }

    [Fact]
    public async Task A_container_that_ignores_its_stop_signal_is_killed_after_the_grace()
    {
        _host.Options.StopGrace = TimeSpan.FromMilliseconds(200);
        _host.Quirks.IgnoresStop = true;
        var provider = _host.Open();
        await provider.AllocateAsync(DockerHost.Request(Key), Ct);

        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(new AllocationKey(Key), Ct));

        Assert.Null(await provider.FindAsync(new AllocationKey(Key), Ct));
    }

    [Fact]
    public async Task A_container_that_is_being_removed_holds_its_GPU_until_it_is_gone()
    {
        _host.Quirks.SlowRemovals = 1_000;
        var provider = _host.Open();
        await provider.AllocateAsync(DockerHost.Request(Key, offer: "RTX4090x3"), Ct);

        Assert.Equal(ReleaseOutcome.Pending, await provider.ReleaseAsync(new AllocationKey(Key), Ct));

        var outcome = await provider.AllocateAsync(DockerHost.Request("i-two-r1-a1"), Ct);
        Assert.Equal(RejectionKind.OutOfStock, outcome.Rejection?.Kind);
    }

    [Fact]
    public async Task Events_report_an_exit_before_the_next_look_also_after_a_reconnect()
    {
        _host.Options.ProbeEvery = TimeSpan.FromHours(1);
        _host.Quirks.CutsEvents = true;
        var provider = _host.Open();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        stop.CancelAfter(TimeSpan.FromSeconds(30));
        await using var watch = provider.WatchAsync("cluster-a", stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync();

        await provider.AllocateAsync(DockerHost.Request(Key, "never-ready"), Ct);
        Assert.True(await next);
        Assert.Equal(AllocationStatus.Booting, watch.Current.Status);
        _host.Server.End(Key, 7);

        Assert.True(await watch.MoveNextAsync());
        Assert.Equal(7, watch.Current.Exit?.ExitCode);
    }

    [Fact]
    public async Task A_container_that_was_never_started_is_no_allocation_yet_but_the_sweep_finds_it()
    {
        // The grain takes what a watch reports for allocated, and cancels the call that would have told of the failed start.
        _host.Quirks.LostCreates = 1;
        var provider = _host.Open();
        await Assert.ThrowsAsync<HttpRequestException>(() => provider.AllocateAsync(DockerHost.Request(Key), Ct));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var watch = provider.WatchAsync("cluster-a", stop.Token).GetAsyncEnumerator(stop.Token);
        var next = watch.MoveNextAsync();

        Assert.Null(await provider.FindAsync(new AllocationKey(Key), Ct));
        var listed = Assert.Single(await provider.ListAllocationsAsync("cluster-a", Ct));
        Assert.Equal((Key, AllocationStatus.Booting), (listed.Key.Value, listed.Status));
        await provider.AllocateAsync(DockerHost.Request("i-two-r1-a1"), Ct);
        Assert.True(await next);
        Assert.Equal("i-two-r1-a1", watch.Current.Key.Value);
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(new AllocationKey(Key), Ct));
        Assert.DoesNotContain("scheduler-" + Key, _host.Server.Names);
        await stop.CancelAsync();
    }

    [Theory]
    [InlineData("1.24")]
    [InlineData("")]
    public async Task An_engine_that_is_too_old_is_named(string version)
    {
        _host.Quirks.NewestApi = version;

        var fault = await Assert.ThrowsAsync<DockerException>(() => _host.Open().ListOffersAsync(Ct));

        Assert.Contains($"gpu-1 has Engine API '{version}'; 1.41 is needed", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_engine_is_asked_in_the_newest_version_known()
    {
        _host.Quirks.NewestApi = "1.99";

        Assert.NotEmpty((await _host.Open().ListOffersAsync(Ct)).Offers);
        Assert.Contains("/v1.51/containers/json", _host.Server.Paths);
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<string, string> Variables(
        params (string Name, string Value)[] variables
    ) =>
        System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(
            variables.Select(variable => KeyValuePair.Create(variable.Name, variable.Value))
        );

    private static async Task<Allocation> StatusAsync(DockerProvider provider, AllocationStatus status) =>
        (
            await Eventually.UntilAsync(
                () => provider.FindAsync(new AllocationKey(Key), Ct),
                found => found?.Status == status,
                $"{Key} becomes {status}"
            )
        )!;
}
