using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;
using Scheduler.Providers.RunPod;
using Scheduler.VendorServers.RunPod;
using Xunit;

namespace Scheduler.ProviderTests.RunPod;

/// <summary>What is sent to RunPod, and how its quirks end.</summary>
public sealed class RunPodProviderTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly RunPodWorld _world;

    public RunPodProviderTests()
    {
        _world = new RunPodWorld(_clock);
        _world.Options.CreateTimeout = TimeSpan.FromSeconds(20);
        _world.Options.Settle = TimeSpan.FromSeconds(30);
        Provider = _world.Open();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private RunPodProvider Provider { get; }

    private RunPodQuirks Quirks => _world.Cloud.Quirks;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task The_requests_of_a_life_are_pinned()
    {
        var request = RunPodWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(2));
        await EndOf(Provider.FindAsync(request.Key, Ct));
        await EndOf(Provider.ReleaseAsync(request.Key, Ct));

        Assert.Equal(
            [
                "GET /v2/pods",
                """POST /v2/pods {"name":"gs1.cluster-a.i-one-r1-a1","image":"…","args":"--port 8000 …","env":{"VLLM_API_KEY":"rk-secret"},"ports":["8000/http"],"disk":120,"gpu":{"id":"NVIDIA GeForce RTX 4090","count":1},"cloud":"SECURE","dataCenterIds":["EU-RO-1"]}""",
                "GET /v2/pods",
                "DELETE /v2/pods/pod000001",
                "GET /v2/pods",
            ],
            _world.Vendor.Calls.Select(WithoutArguments)
        );
    }

    [Fact]
    public async Task Offers_have_true_prices_places_and_tiers()
    {
        var listing = await EndOf(Provider.ListOffersAsync(Ct));

        var offer = Assert.Single(listing.Offers, offer => offer.OfferId == "SECURE/EU-RO-1/NVIDIA H100 80GB HBM3/2");
        Assert.Equal("H100-80GB-SXM", offer.GpuType);
        Assert.Equal(MicroEuro.CeilingFromEuros(((2 * 2.99m) + (120 * 0.10m / 730)) * 0.92m), offer.PricePerHour);
        Assert.Equal(new QuotedPrice("USD", 5_996_439), offer.Quoted);
        Assert.Equal(
            (CapacityTier.Standard, false, 4, "EU-RO-1"),
            (offer.Tier, offer.Spot, offer.Available, offer.Region)
        );
        var community = Assert.Single(
            listing.Offers,
            offer => offer.OfferId == "COMMUNITY/ANY/NVIDIA GeForce RTX 4090/4"
        );
        Assert.Equal((CapacityTier.Community, 4), (community.Tier, community.GpuCount));
        Assert.DoesNotContain(listing.Offers, offer => offer.OfferId.StartsWith("COMMUNITY/ANY/NVIDIA A100"));
        Assert.DoesNotContain(listing.Offers, offer => offer.OfferId.EndsWith("RTX 4090/16"));
        Assert.Equal(new Dictionary<string, int> { ["unknown_gpu"] = 2 }, listing.Skipped);
    }

    [Fact]
    public async Task A_catalogue_that_lies_loses_the_lies_only()
    {
        var before = (await EndOf(Provider.ListOffersAsync(Ct))).Offers;
        Quirks.CatalogueLies = true;

        var listing = await EndOf(Provider.ListOffersAsync(Ct));

        Assert.Equal(
            before.Select(offer => offer.OfferId).Order(),
            listing.Offers.Select(offer => offer.OfferId).Order()
        );
        Assert.Equal(["duplicate_id", "price", "unknown_gpu", "unreadable"], listing.Skipped.Keys);
    }

    [Fact]
    public async Task Countries_and_clouds_narrow_the_catalogue()
    {
        _world.Options.Countries = ["RO"];
        _world.Options.Clouds = ["SECURE"];
        _world.Options.GpuCounts = [1];

        var listing = await EndOf(Provider.ListOffersAsync(Ct));

        Assert.All(listing.Offers, offer => Assert.Equal("EU-RO-1", offer.Region));
        Assert.Equal(
            ["GET /v2/catalog/gpus?include=AVAILABILITY&product=POD&count=1&cloud=SECURE&countryCodes=RO"],
            _world.Vendor.Calls
        );
    }

    [Theory]
    [InlineData(nameof(RunPodQuirks.StockButNoCapacity), RejectionKind.OutOfStock, "no longer any instances available")]
    [InlineData(nameof(RunPodQuirks.NoCredit), RejectionKind.Quota, "Your balance is too low")]
    [InlineData(nameof(RunPodQuirks.PoolBarred), RejectionKind.Quota, "cannot access the requested pool")]
    [InlineData(nameof(RunPodQuirks.CreateFails), RejectionKind.ProviderError, "500: something broke")]
    public async Task A_refusal_keeps_the_vendors_words(string quirk, RejectionKind kind, string words)
    {
        typeof(RunPodQuirks).GetProperty(quirk)!.SetValue(Quirks, true);

        var outcome = await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1"), Ct));

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.Contains(words, outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(_world.Cloud.Pods);
    }

    [Fact]
    public async Task A_broken_rule_is_an_invalid_request()
    {
        var request = RunPodWorld.Request("i-one-r1-a1", offerId: "SECURE/EU-RO-1/NVIDIA NOTHING/1");

        var outcome = await EndOf(Provider.AllocateAsync(request, Ct));

        Assert.Equal(new Rejection(RejectionKind.InvalidRequest, "unknown GPU type NVIDIA NOTHING"), outcome.Rejection);
    }

    [Theory]
    [InlineData(nameof(RunPodQuirks.ErrorThatMadeAPod))]
    [InlineData(nameof(RunPodQuirks.CreateHangs))]
    public async Task A_pod_that_was_made_without_an_answer_is_found_in_a_list_that_lags(string quirk)
    {
        typeof(RunPodQuirks).GetProperty(quirk)!.SetValue(Quirks, true);
        Quirks.ListLagSeconds = 20;

        var outcome = await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1"), Ct));

        Assert.Equal("pod000001", outcome.Allocation?.ProviderAllocationId);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pod_that_is_less_or_dearer_than_offered_is_given_back(bool isLess)
    {
        Quirks.GivesOneGpu = isLess;
        Quirks.CostFactor = isLess ? 1 : 1.5;
        var request = RunPodWorld.Request("i-one-r1-a1", offerId: "SECURE/EU-RO-1/NVIDIA GeForce RTX 4090/2");
        request = request with { Offer = request.Offer with { Quoted = new QuotedPrice("USD", 1_380_000) } };

        var outcome = await EndOf(Provider.AllocateAsync(request, Ct));

        Assert.Equal(
            new Rejection(
                RejectionKind.ProviderError,
                isLess ? "RunPod gave 1 GPUs instead of 2" : "RunPod charges 2.07 USD/h, more than it offered"
            ),
            outcome.Rejection
        );
        Assert.Empty(_world.Cloud.Pods);
    }

    [Fact]
    public async Task A_rate_limit_without_a_time_is_waited_out()
    {
        Quirks.BareTooManyRequests = 2;

        var outcome = await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1"), Ct));

        Assert.True(outcome.IsAllocated);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Fact]
    public async Task A_create_request_that_meets_the_rate_limit_is_sent_again_later()
    {
        Quirks.BareTooManyCreates = 1;

        var outcome = await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1"), Ct));

        Assert.True(outcome.IsAllocated);
        Assert.Equal(1, _world.Cloud.Made);
        Assert.Equal(2, _world.Vendor.Calls.Count(call => call.StartsWith("POST")));
    }

    [Fact]
    public async Task A_slow_delete_is_pending_until_the_pod_is_gone()
    {
        Quirks.DeleteSeconds = 90;
        var request = RunPodWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));

        Assert.Equal(ReleaseOutcome.Pending, await EndOf(Provider.ReleaseAsync(request.Key, Ct)));
        _clock.Advance(TimeSpan.FromSeconds(91));

        Assert.Equal(ReleaseOutcome.Released, await EndOf(Provider.ReleaseAsync(request.Key, Ct)));
    }

    [Fact]
    public async Task A_port_that_never_answers_never_becomes_ready()
    {
        Quirks.PortNeverAnswers = true;
        var request = RunPodWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(AllocationStatus.Booting, (await EndOf(Provider.FindAsync(request.Key, Ct)))?.Status);
    }

    [Fact]
    public async Task A_failed_pull_is_read_from_the_system_log()
    {
        Quirks.ImagePullFails = true;
        var request = RunPodWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        Assert.Equal(AllocationStatus.Booting, (await EndOf(Provider.FindAsync(request.Key, Ct)))?.Status);
        _clock.Advance(TimeSpan.FromSeconds(61));

        var ended = await EndOf(Provider.FindAsync(request.Key, Ct));

        Assert.Equal(AllocationStatus.Exited, ended?.Status);
        Assert.Equal(FailureCode.ImagePullFailed, ExitDiagnosis.Diagnose(ended!.Exit!, wasServing: false));
        Assert.Contains("manifest unknown", ended.Exit!.OutputTail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_runtime_that_served_and_started_again_has_exited()
    {
        var request = RunPodWorld.Request("i-one-r1-a1");
        await EndOf(Provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(AllocationStatus.Ready, (await EndOf(Provider.FindAsync(request.Key, Ct)))?.Status);
        _clock.Advance(TimeSpan.FromSeconds(60));
        _world.Cloud.Pods[0].RestartedAt = _clock.GetUtcNow();

        var ended = await EndOf(_world.Open().FindAsync(request.Key, Ct));

        Assert.Equal(AllocationStatus.Exited, ended?.Status);
        Assert.Equal("the container ended and was started again, seen by its uptime", ended?.Exit?.ProviderReason);
    }

    [Fact]
    public async Task A_refused_key_is_a_rejection_with_its_reason_and_a_new_one_cures_it()
    {
        _world.SetKey("rpa_wrong");
        var refused = await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1"), Ct));
        var listing = await Assert.ThrowsAsync<CredentialRefusedException>(() => Provider.ListOffersAsync(Ct));
        _world.SetKey(_world.Cloud.ApiKey);

        Assert.Equal(
            new Rejection(
                RejectionKind.Credentials,
                "RunPod refuses the API key of this scheduler: invalid bearer token"
            ),
            refused.Rejection
        );
        Assert.Contains(
            "put a valid one there. It says: invalid bearer token",
            listing.Message,
            StringComparison.Ordinal
        );
        Assert.True((await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-two-r1-a1"), Ct))).IsAllocated);
    }

    [Fact]
    public async Task Pods_of_others_are_left_alone()
    {
        await EndOf(Provider.AllocateAsync(RunPodWorld.Request("i-one-r1-a1", cluster: "another"), Ct));

        Assert.Empty(await EndOf(Provider.ListAllocationsAsync(RunPodWorld.Cluster, Ct)));
        Assert.Single(await EndOf(Provider.ListAllocationsAsync("another", Ct)));
    }

    private async Task<T> EndOf<T>(Task<T> task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 3000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            _clock.Advance(TimeSpan.FromMilliseconds(i < 50 ? 100 : 500));
        }

        return await task;
    }

    private static string WithoutArguments(string call) =>
        System
            .Text.RegularExpressions.Regex.Replace(
                call,
                "\"args\":\".*?(--port 8000).*?\",\"env\"",
                "\"args\":\"$1 …\",\"env\""
            )
            .Replace(RuntimePresets.Vllm.Image!, "…");
}
