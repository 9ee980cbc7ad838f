using System.Net;
using System.Text.Json.Nodes;
using k8s.Autorest;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Kubernetes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>What the adapter makes of a cluster in which something goes wrong.</summary>
public sealed class KubernetesFailureTests : IAsyncLifetime
{
    private const string Key = "i-bad-r1-a1";

    private KubernetesWorld _world = null!;
    private KubernetesProvider _provider = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _world = await KubernetesWorld.StartAsync(Ct);
        _provider = _world.Open();
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task A_create_whose_answer_is_lost_makes_one_pod()
    {
        _world.Server.Quirks.CreatesCut = 1;

        await Assert.ThrowsAnyAsync<Exception>(() => AllocateAsync());
        var again = await AllocateAsync();

        Assert.True(again.IsAllocated, again.Rejection?.ProviderWords);
        Assert.Single(_world.Server.All("pods"));
        Assert.Single(_world.Server.Recorded, one => one.Call == "create pods");
    }

    [Fact]
    public async Task Two_schedulers_with_one_key_make_one_pod()
    {
        var other = _world.Open();
        var request = KubernetesWorld.Request(Key);

        var outcomes = await Task.WhenAll(_provider.AllocateAsync(request, Ct), other.AllocateAsync(request, Ct));

        Assert.All(outcomes, outcome => Assert.True(outcome.IsAllocated));
        Assert.Single(outcomes.Select(outcome => outcome.Allocation!.ProviderAllocationId).Distinct());
        Assert.Single(_world.Server.All("pods"));
    }

    [Fact]
    public async Task A_busy_api_server_leaves_the_outcome_open()
    {
        _world.Server.Quirks.Throttled = 1;

        await Assert.ThrowsAnyAsync<Exception>(() => AllocateAsync());

        Assert.True((await AllocateAsync()).IsAllocated);
    }

    [Fact]
    public async Task Replaced_credentials_are_used_without_a_restart()
    {
        _world.Server.Token = "the-next-token";
        var refused = await Assert.ThrowsAsync<HttpOperationException>(() => _provider.ListOffersAsync(Ct));
        Assert.Equal(HttpStatusCode.Unauthorized, KubernetesFailures.CodeOf(refused));

        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var provider = _world.Open(clock: clock);
        Assert.NotEmpty((await provider.ListOffersAsync(Ct)).Offers);
        _world.Server.Token = "another-token";
        await Assert.ThrowsAsync<HttpOperationException>(() => provider.ListOffersAsync(Ct));
        _world.WriteAccess();

        // The file is read at most twice a minute, however often the old token is refused.
        await Assert.ThrowsAsync<HttpOperationException>(() => provider.ListOffersAsync(Ct));
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.NotEmpty((await provider.ListOffersAsync(Ct)).Offers);
    }

    [Theory]
    [InlineData(0, AllocationStatus.Exited)]
    [InlineData(60, AllocationStatus.Booting)]
    public async Task A_container_that_cannot_be_created_ends_after_a_time(int patienceSeconds, AllocationStatus status)
    {
        var provider = _world.Open(options => options.StartErrorPatience = TimeSpan.FromSeconds(patienceSeconds));
        _world.Server.Quirks.PullTakes = TimeSpan.FromMilliseconds(100);
        await provider.AllocateAsync(KubernetesWorld.Request(Key), Ct);
        _world.Server.Change("secrets", ObjectName, secret => secret["data"] = new JsonObject());
        await Eventually.TrueAsync(
            () =>
                _world
                    .Server.All("pods")[0]
                    .ToJsonString()
                    .Contains("CreateContainerConfigError", StringComparison.Ordinal),
            "the kubelet reports it"
        );

        var seen = await provider.FindAsync(new AllocationKey(Key), Ct);

        Assert.Equal(status, seen?.Status);
        Assert.Equal(
            status == AllocationStatus.Exited
                ? "CreateContainerConfigError: couldn't find key env.VLLM_API_KEY in Secret scheduler-runtimes/"
                    + ObjectName
                : null,
            seen?.Exit?.ProviderReason
        );
    }

    [Fact]
    public async Task A_quota_is_a_rejection_in_the_cluster_s_words()
    {
        const string words =
            "pods \"s-i-bad\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4";
        _world.Server.Quirks.Quota = words;

        var outcome = await AllocateAsync();

        Assert.Equal(new Rejection(RejectionKind.Quota, words), outcome.Rejection);
        Assert.Empty(_world.Server.All("pods"));
        Assert.Empty(_world.Server.All("secrets"));
    }

    [Fact]
    public async Task A_node_that_refuses_the_pod_is_out_of_stock_and_keeps_nothing()
    {
        _world.Server.Quirks.AdmissionsRefused = 1;

        var outcome = await AllocateAsync();

        Assert.Equal(RejectionKind.OutOfStock, outcome.Rejection?.Kind);
        Assert.StartsWith(
            "UnexpectedAdmissionError: Allocate failed",
            outcome.Rejection!.ProviderWords,
            StringComparison.Ordinal
        );
        Assert.Empty(_world.Server.All("pods"));
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task A_pod_for_which_no_node_comes_is_deleted_and_out_of_stock()
    {
        var wait = await StartUnboundAsync();
        TakeAllGpus();
        _world.Server.Quirks.SchedulerPaused = false;

        var outcome = await wait;

        Assert.Equal(RejectionKind.OutOfStock, outcome.Rejection?.Kind);
        Assert.Contains("0/2 nodes are available: 2 Insufficient nvidia.com/gpu.", outcome.Rejection!.ProviderWords);
        Assert.DoesNotContain(_world.Server.All("pods"), pod => NameOf(pod) == ObjectName);
    }

    [Fact]
    public async Task A_request_that_waits_for_a_node_ends_with_its_release()
    {
        var wait = await StartUnboundAsync();

        Assert.Equal(AllocationStatus.Booting, Assert.Single(await ListAsync()).Status);
        await ReleaseAsync();

        Assert.Equal(RejectionKind.InvalidRequest, (await wait).Rejection?.Kind);
        Assert.Empty(_world.Server.All("pods"));
        Assert.Empty(_world.Server.All("secrets"));
    }

    [Fact]
    public async Task A_pod_created_after_the_release_is_collected()
    {
        // The creator is killed between its look for a tombstone and its second look: only the pod's owner is left.
        await _provider.ReleaseAsync(new AllocationKey(Key), Ct);
        var late = new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = ObjectName,
                ["ownerReferences"] = new JsonArray(
                    new JsonObject
                    {
                        ["kind"] = "Secret",
                        ["name"] = ObjectName,
                        ["uid"] = "gone",
                    }
                ),
            },
            ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "runtime" }) },
        };
        _world.Server.Create("pods", "scheduler-runtimes", late);

        await Eventually.UntilAsync(
            () => Task.FromResult(_world.Server.All("pods").Count),
            count => count == 0,
            "the pod is collected"
        );
    }

    [Fact]
    public async Task An_image_that_cannot_be_pulled_ends_after_three_tries()
    {
        _world.Server.Quirks.PullError = "rpc error: code = NotFound desc = manifest unknown";
        Assert.True((await AllocateAsync()).IsAllocated);

        var ended = await BecomesAsync(AllocationStatus.Exited);

        Assert.Contains("manifest unknown", ended.Exit!.ProviderReason, StringComparison.Ordinal);
        Assert.Equal(FailureCode.ImagePullFailed, ExitDiagnosis.Diagnose(ended.Exit, wasServing: false));
    }

    [Fact]
    public async Task A_pull_that_fails_once_is_no_end()
    {
        _world.Server.Quirks.PullError = "i/o timeout";
        _world.Server.Quirks.PullPause = TimeSpan.FromMilliseconds(100);
        await AllocateAsync();
        await Eventually.UntilAsync(
            () => Task.FromResult(_world.Server.All("events").Count),
            count => count > 0,
            "a pull fails"
        );
        _world.Server.Quirks.PullError = null;

        await BecomesAsync(AllocationStatus.Ready);
    }

    [Theory]
    [InlineData("OOMKilled", FailureCode.OomKilled)]
    [InlineData(null, FailureCode.RuntimeExited)]
    public async Task A_kill_is_out_of_memory_only_if_the_kubelet_says_so(string? reason, FailureCode code)
    {
        await ServeAsync();

        await _world.Server.KillAsync(ObjectName, 137, reason, "");

        var ended = await BecomesAsync(AllocationStatus.Exited);
        Assert.Equal((137, reason), (ended.Exit!.ExitCode, ended.Exit.ProviderReason));
        Assert.Equal(code, ExitDiagnosis.Diagnose(ended.Exit, wasServing: true));
    }

    [Fact]
    public async Task A_preempted_pod_is_preempted_and_not_exited()
    {
        await ServeAsync();
        _world.Server.Quirks.StopTakes = TimeSpan.FromMinutes(5);

        _world.Server.Preempt(ObjectName);

        var seen = await BecomesAsync(AllocationStatus.Preempted);
        Assert.StartsWith("PreemptionByScheduler: ", seen.Exit!.ProviderReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DeletingNode", "Deleting node gpu-1 because it does not exist", "DeletingNode: Deleting node gpu-1")]
    [InlineData("Killing", "Stopping container runtime", "PodGone: ")]
    [InlineData(null, "", "PodGone: ")]
    public async Task A_pod_that_is_gone_is_preempted_until_its_release(string? reason, string message, string words)
    {
        var id = (await ServeAsync()).ProviderAllocationId;

        _world.Server.Vanish(ObjectName, reason, message);

        var gone = await BecomesAsync(AllocationStatus.Preempted);
        Assert.StartsWith(words, gone.Exit!.ProviderReason, StringComparison.Ordinal);
        Assert.Equal(id, gone.ProviderAllocationId);
        Assert.Equal(AllocationStatus.Preempted, Assert.Single(await ListAsync()).Status);
        await ReleaseAsync();
        Assert.Null(await FindAsync());
        Assert.Empty(await ListAsync());
    }

    [Fact]
    public async Task A_runtime_on_a_lost_node_is_unhealthy_also_after_a_restart()
    {
        await ServeAsync();

        _world.Server.LoseNode("gpu-1");
        _world.Server.LoseNode("gpu-2");

        await BecomesAsync(AllocationStatus.Unhealthy);
        Assert.Equal(AllocationStatus.Unhealthy, (await _world.Open().FindAsync(new AllocationKey(Key), Ct))?.Status);
        Assert.Equal(ReleaseOutcome.Pending, await _provider.ReleaseAsync(new AllocationKey(Key), Ct));
        Assert.Equal(ReleaseOutcome.Pending, await _provider.ReleaseAsync(new AllocationKey(Key), Ct));
    }

    [Fact]
    public async Task A_runtime_that_stops_answering_is_unhealthy_also_for_a_scheduler_that_starts_then()
    {
        await ServeAsync();

        // The path of the health check no longer exists, as if the server behind it had failed.
        _world.Server.Change(
            "pods",
            ObjectName,
            pod => pod["metadata"]!["annotations"]!["scheduler/health-path"] = "/no"
        );

        await Eventually.UntilAsync(
            () => _world.Open().FindAsync(new AllocationKey(Key), Ct),
            seen => seen?.Status == AllocationStatus.Ready,
            "one error answer is not enough"
        );
        var later = _world.Open();
        await Eventually.UntilAsync(
            () => later.FindAsync(new AllocationKey(Key), Ct),
            seen => seen?.Status == AllocationStatus.Unhealthy,
            "unhealthy after three"
        );
    }

    [Fact]
    public async Task A_release_is_pending_while_the_pod_or_another_controller_takes_its_time()
    {
        _world.Server.Quirks.Finalizer = "kueue.x-k8s.io/managed";
        _world.Server.Quirks.StopTakes = TimeSpan.FromMilliseconds(50);
        await ServeAsync();

        Assert.Equal(ReleaseOutcome.Pending, await _provider.ReleaseAsync(new AllocationKey(Key), Ct));
        await Task.Delay(TimeSpan.FromMilliseconds(80), TimeProvider.System, Ct);
        Assert.Equal(ReleaseOutcome.Pending, await _provider.ReleaseAsync(new AllocationKey(Key), Ct));
        Assert.Single(await ListAsync());
        _world.Server.Change("pods", ObjectName, pod => pod["metadata"]!.AsObject().Remove("finalizers"));
        await ReleaseAsync();
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task The_output_does_not_show_the_runtime_key()
    {
        await ServeAsync();
        await _world.Server.KillAsync(ObjectName, 1, null, $"args: --api-key runtime-key-of-{Key}\nfatal error\n");

        var ended = await BecomesAsync(AllocationStatus.Exited);

        Assert.Contains("--api-key [secret]", ended.Exit!.OutputTail, StringComparison.Ordinal);
        Assert.DoesNotContain(_world.Log.Lines, line => line.Contains("runtime-key-of", StringComparison.Ordinal));
    }

    private static string ObjectName => KubernetesNames.ObjectOf(new AllocationKey(Key));

    private static string NameOf(JsonObject item) => item["metadata"]!["name"]!.ToString();

    private Task<AllocateOutcome> AllocateAsync() => _provider.AllocateAsync(KubernetesWorld.Request(Key), Ct);

    private Task<Allocation?> FindAsync() => _provider.FindAsync(new AllocationKey(Key), Ct);

    private Task<IReadOnlyList<Allocation>> ListAsync() => _provider.ListAllocationsAsync(KubernetesWorld.Cluster, Ct);

    private async Task<Allocation> ServeAsync()
    {
        Assert.True((await AllocateAsync()).IsAllocated);
        return await BecomesAsync(AllocationStatus.Ready);
    }

    private async Task<Allocation> BecomesAsync(AllocationStatus status) =>
        (await Eventually.UntilAsync(FindAsync, seen => seen?.Status == status, $"{Key} becomes {status}"))!;

    private Task<ReleaseOutcome> ReleaseAsync() =>
        Eventually.UntilAsync(
            () => _provider.ReleaseAsync(new AllocationKey(Key), Ct),
            outcome => outcome == ReleaseOutcome.Released,
            "released"
        );

    /// <summary>A request whose pod exists but gets no node.</summary>
    private async Task<Task<AllocateOutcome>> StartUnboundAsync()
    {
        _world.Server.Quirks.SchedulerPaused = true;
        var wait = AllocateAsync();
        await Eventually.UntilAsync(
            () => Task.FromResult(_world.Server.All("pods").Count),
            count => count == 1,
            "the pod is created"
        );
        return wait;
    }

    /// <summary>Other users of the cluster take what was free.</summary>
    private void TakeAllGpus()
    {
        foreach (var (node, gpus) in new[] { ("gpu-1", "2"), ("gpu-2", "1") })
        {
            var other = new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = "other-on-" + node },
                ["spec"] = new JsonObject
                {
                    ["nodeName"] = node,
                    ["containers"] = new JsonArray(
                        new JsonObject
                        {
                            ["name"] = "other",
                            ["image"] = "other",
                            ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = 8000 }),
                            ["resources"] = new JsonObject
                            {
                                ["requests"] = new JsonObject { ["nvidia.com/gpu"] = gpus },
                            },
                        }
                    ),
                },
                ["status"] = new JsonObject { ["phase"] = "Running" },
            };
            _world.Server.Create("pods", "default", other);
        }
    }
}
