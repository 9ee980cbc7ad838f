using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Worker;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ProviderTests.Worker;

/// <summary>Hosts that are silent, lost, drained, removed or restarted.</summary>
public sealed class WorkerProviderTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(TimeProvider.System.GetUtcNow());
    private readonly WorkerWorld _world;

    public WorkerProviderTests() => _world = new WorkerWorld(_clock);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _world.JoinAsync("gpu-1");
        await _world.JoinAsync("gpu-2");
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Every_host_is_offered_by_its_name()
    {
        using var provider = _world.Open();

        var offers = (await provider.ListOffersAsync(Ct)).Offers;

        Assert.Equal(["gpu-1/cpu", "gpu-2/cpu"], offers.Select(offer => offer.OfferId).Order());
        Assert.Equal(["gpu-1", "gpu-2"], offers.Select(offer => offer.Region).Order());
    }

    [Fact]
    public async Task A_runtime_survives_its_worker_and_is_found_again()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-live-r1-a1", "gpu-1", "healthy");
        var first = await AllocateAsync(provider, request);

        await _world.StopAsync("gpu-1");
        await Assert.ThrowsAsync<WorkerException>(() => provider.FindAsync(request.Key, Ct));
        await _world.StartAsync("gpu-1");
        var again = await AllocateAsync(provider, request);

        Assert.Equal(first.CreatedAt, again.CreatedAt);
        Assert.Single(await provider.ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_silent_host_keeps_its_allocations_until_its_lease_ends()
    {
        using var provider = _world.Open();
        var (here, there) = (
            WorkerWorld.Request("i-here-r1-a1", "gpu-1", "healthy"),
            WorkerWorld.Request("i-there-r1-a1", "gpu-2", "healthy")
        );
        await AllocateAsync(provider, here);
        await AllocateAsync(provider, there);
        await _world.StopAsync("gpu-1");

        for (var waited = TimeSpan.Zero; waited < _world.Options.LostAfter; waited += Step)
        {
            await Assert.ThrowsAsync<WorkerException>(() => provider.FindAsync(here.Key, Ct));
            var listed = Assert.Single(await provider.ListAllocationsAsync("cluster-a", Ct));
            Assert.Equal(there.Key, listed.Key);
            _clock.Advance(Step);
        }

        var lost = await provider.FindAsync(here.Key, Ct);
        Assert.Equal(AllocationStatus.Preempted, lost?.Status);
        Assert.Contains("gpu-1 has not answered", lost!.Exit!.ProviderReason);
        Assert.Equal(here.Tag, lost.Tag);
        Assert.Equal(2, (await provider.ListAllocationsAsync("cluster-a", Ct)).Count);
        Assert.NotNull(await _world.Journal.FindAsync(provider.Id, here.Key, Ct));

        // What is released while the host is lost is released when it answers again, and not before.
        await Assert.ThrowsAsync<WorkerException>(() => provider.ReleaseAsync(here.Key, Ct));
        await _world.StartAsync("gpu-1");
        Assert.Single(await _world.Processes("gpu-1").ListAllocationsAsync("cluster-a", Ct));
        await ReleaseAsync(provider, here.Key);
        Assert.Empty(await _world.Processes("gpu-1").ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_pause_without_calls_begins_the_lease_anew()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-pause-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);
        await _world.StopAsync("gpu-1");

        await Assert.ThrowsAsync<WorkerException>(() => provider.FindAsync(request.Key, Ct));
        _clock.Advance(_world.Options.LostAfter * 2);

        await Assert.ThrowsAsync<WorkerException>(() => provider.FindAsync(request.Key, Ct));
    }

    [Fact]
    public async Task A_launch_on_a_host_that_cannot_be_reached_is_refused_at_once()
    {
        using var provider = _world.Open();
        await _world.StopAsync("gpu-1");
        var request = WorkerWorld.Request("i-dead-r1-a1", "gpu-1", "healthy");

        var outcome = await provider.AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.OutOfStock, outcome.Rejection?.Kind);
        Assert.Contains("gpu-1 does not answer", outcome.Rejection!.ProviderWords);
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(request.Key, Ct));
    }

    [Fact]
    public async Task A_repeated_request_for_a_silent_host_stays_unknown()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-unknown-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);
        await _world.StopAsync("gpu-1");

        await Assert.ThrowsAsync<WorkerException>(() => provider.AllocateAsync(request, Ct));
    }

    [Fact]
    public async Task A_key_never_changes_its_host()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-move-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);

        var moved = await provider.AllocateAsync(
            request with
            {
                Offer = request.Offer with { OfferId = "gpu-2/cpu" },
            },
            Ct
        );

        Assert.Equal(RejectionKind.InvalidRequest, moved.Rejection?.Kind);
        Assert.Empty(await _world.Processes("gpu-2").ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_release_bars_a_request_that_another_silo_sends_later()
    {
        using var one = _world.Open();
        using var another = _world.Open();
        var request = WorkerWorld.Request("i-barred-r1-a1", "gpu-1", "healthy");

        Assert.Equal(ReleaseOutcome.Released, await one.ReleaseAsync(request.Key, Ct));
        var late = await another.AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.InvalidRequest, late.Rejection?.Kind);
        Assert.Empty(await _world.Processes("gpu-1").ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_worker_refuses_a_key_that_it_has_released_even_when_the_journal_is_lost()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-gone-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);
        await ReleaseAsync(provider, request.Key);

        var again = await _world.Processes("gpu-1").AllocateAsync(request, Ct);

        Assert.Equal(RejectionKind.InvalidRequest, again.Rejection?.Kind);
    }

    [Fact]
    public async Task What_a_host_runs_without_an_entry_of_the_journal_is_listed_and_released()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-stray-r1-a1", "gpu-1", "healthy");
        await _world
            .Processes("gpu-1")
            .AllocateAsync(request with { Offer = request.Offer with { OfferId = "cpu" } }, Ct);

        var stray = Assert.Single(await provider.ListAllocationsAsync("cluster-a", Ct));
        Assert.Equal(request.Key, stray.Key);
        await ReleaseAsync(provider, request.Key);

        Assert.Empty(await _world.Processes("gpu-1").ListAllocationsAsync("cluster-a", Ct));
    }

    [Fact]
    public async Task A_drained_host_gets_no_launches_and_keeps_what_runs()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-drain-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);
        _world.Registry.Hosts =
        [
            .. _world.Registry.Hosts.Select(host =>
                host.Name == "gpu-1"
                    ? host with
                    {
                        Drain = new DrainOrder(_clock.GetUtcNow(), "key:k", "", default),
                    }
                    : host
            ),
        ];

        var listing = await provider.ListOffersAsync(Ct);
        var refused = await provider.AllocateAsync(WorkerWorld.Request("i-new-r1-a1", "gpu-1", "healthy"), Ct);

        Assert.Equal("gpu-2/cpu", Assert.Single(listing.Offers).OfferId);
        Assert.Equal(1, listing.Skipped["host_draining"]);
        Assert.Contains("drained", refused.Rejection!.ProviderWords);
        Assert.NotNull(await provider.FindAsync(request.Key, Ct));
    }

    [Fact]
    public async Task What_ran_on_a_removed_host_is_gone()
    {
        using var provider = _world.Open();
        var request = WorkerWorld.Request("i-removed-r1-a1", "gpu-1", "healthy");
        await AllocateAsync(provider, request);
        _world.Registry.Hosts = _world.Registry.Hosts.RemoveAll(host => host.Name == "gpu-1");

        Assert.Null(await provider.FindAsync(request.Key, Ct));
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(request.Key, Ct));
    }

    [Fact]
    public async Task A_certificate_is_renewed_before_it_ends_and_survives_a_restart()
    {
        await _world.JoinAsync("gpu-3", validFrom: _clock.GetUtcNow() - HostAuthority.HostValidity * 0.7);
        using var provider = _world.Open();

        await provider.ListOffersAsync(Ct);
        Assert.Equal(1, _world.Registry.Renewals);
        await provider.ListOffersAsync(Ct);
        Assert.Equal(1, _world.Registry.Renewals);
        await _world.StopAsync("gpu-3");
        await _world.StartAsync("gpu-3");

        Assert.Contains((await provider.ListOffersAsync(Ct)).Offers, offer => offer.OfferId == "gpu-3/cpu");
        Assert.Equal(1, _world.Registry.Renewals);
    }

    [Fact]
    public async Task A_worker_answers_only_the_scheduler()
    {
        var address = new Uri(_world.Registry.Hosts[0].Address);
        var (key, request) = HostAuthority.NewRequest("gpu-2");
        using var host = X509Certificate2.CreateFromPem(_world.Registry.Sign("gpu-2", request), key);
        using var stranger = HostAuthority.IssueClient(
            HostAuthority.Make(_clock.GetUtcNow()) is var other ? other.Certificate : "",
            other.Key,
            _clock.GetUtcNow()
        );
        using var scheduler = _world.Registry.NewClient();

        Assert.Equal(200, await StatusAsync(address, scheduler));
        Assert.Null(await StatusAsync(address, host));
        Assert.Null(await StatusAsync(address, stranger));
        Assert.Null(await StatusAsync(address, null));
    }

    [Fact]
    public async Task The_scheduler_talks_to_no_host_with_the_certificate_of_another()
    {
        using var provider = _world.Open();
        _world.Registry.Hosts = [_world.Registry.Hosts[0] with { Name = "gpu-9" }];

        Assert.Empty((await provider.ListOffersAsync(Ct)).Offers);
    }

    private static TimeSpan Step => TimeSpan.FromSeconds(30);

    /// <summary>Null if the handshake or the request fails.</summary>
    private static async Task<int?> StatusAsync(Uri address, X509Certificate2? client)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = client is null ? null : new X509CertificateCollection { client },
                LocalCertificateSelectionCallback = (_, _, _, _, _) => client!,
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            },
        };
        using var http = new HttpClient(handler);
        try
        {
            using var answer = await http.GetAsync(new Uri(address, "v1/status"), Ct);
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static async Task<Allocation> AllocateAsync(WorkerProvider provider, AllocationRequest request)
    {
        var outcome = await provider.AllocateAsync(request, Ct);
        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        return outcome.Allocation;
    }

    private static Task<ReleaseOutcome> ReleaseAsync(WorkerProvider provider, AllocationKey key) =>
        Eventually.UntilAsync(
            () => provider.ReleaseAsync(key, Ct),
            outcome => outcome == ReleaseOutcome.Released,
            $"{key} is released"
        );
}
