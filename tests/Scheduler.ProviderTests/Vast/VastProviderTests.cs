using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Vast;
using Scheduler.VendorServers.Vast;
using Xunit;

namespace Scheduler.ProviderTests.Vast;

/// <summary>What is sent to Vast, and how its quirks end.</summary>
public sealed class VastProviderTests : IDisposable
{
    private const string Key = "i-one-r1-a1";

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly VastWorld _world;
    private readonly VastProvider _provider;

    public VastProviderTests()
    {
        _world = new VastWorld(_clock);
        _world.Options.CreateTimeout = TimeSpan.FromSeconds(20);
        _world.Options.Settle = TimeSpan.FromSeconds(30);
        _provider = _world.Open();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private VastQuirks Quirks => _world.Cloud.Quirks;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task The_requests_of_a_life_are_pinned()
    {
        var request = VastWorld.Request(Key, offerId: "bid/1003/250000");
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(2));
        await EndOf(_provider.FindAsync(request.Key, Ct));
        await EndOf(_provider.ReleaseAsync(request.Key, Ct));

        Assert.Equal(
            [
                "GET /api/v1/instances/?limit=25",
                """PUT /api/v0/asks/1003/ {"image":"…","disk":120,"label":"gs1.cluster-a.i-one-r1-a1","runtype":"args","args":[…],"env":{"VLLM_API_KEY":"rk-secret","-p 8000:8000":"1"},"target_state":"running","cancel_unavail":true,"price":0.25}""",
                "GET /api/v1/instances/?limit=25",
                "DELETE /api/v0/instances/700001/",
                "GET /api/v1/instances/?limit=25",
            ],
            _world.Vendor.Calls.Select(WithoutArguments)
        );
    }

    [Fact]
    public async Task Offers_have_true_prices_with_disk_places_and_tiers()
    {
        _world.Options.Interruptible = true;

        var listing = await EndOf(_provider.ListOffersAsync(Ct));

        var h100 = Assert.Single(listing.Offers, offer => offer.OfferId == "ask/2000");
        Assert.Equal(("H100-80GB-SXM", 8, "IS", CapacityTier.Standard, false, 1), ShapeOf(h100));
        Assert.Equal(MicroEuro.CeilingFromEuros(17.6m * 0.92m), h100.PricePerHour);
        var bid = Assert.Single(listing.Offers, offer => offer.OfferId == "bid/1000/250000");
        Assert.Equal(("RTX4090", 1, "US", CapacityTier.Community, true, 1), ShapeOf(bid));
        // The bid, and 120 GB at 0.15 USD per GB and month.
        Assert.Equal(MicroEuro.CeilingFromEuros((0.25m + 0.15m * 120 / 730) * 0.92m), bid.PricePerHour);
        Assert.Equal(new Dictionary<string, int> { ["unknown_gpu"] = 2 }, listing.Skipped);
    }

    [Fact]
    public async Task The_search_asks_for_what_the_settings_say()
    {
        _world.Options.Countries = ["SE", "IS"];
        _world.Options.OnlyVerified = false;

        var listing = await EndOf(_provider.ListOffersAsync(Ct));

        Assert.Equal(["ask/2000", "ask/2001"], listing.Offers.Select(offer => offer.OfferId));
        Assert.Equal(
            """POST /api/v0/bundles/ {"type":"ondemand","limit":1000,"order":[["dph_total","asc"]],"allocated_storage":120,"rentable":{"eq":true},"rented":{"eq":false},"direct_port_count":{"gte":1},"disk_space":{"gte":120},"inet_down":{"gte":300},"cuda_max_good":{"gte":12.8},"reliability2":{"gte":0.95},"geolocation":{"in":["SE","IS"]}}""",
            Assert.Single(_world.Vendor.Calls)
        );
    }

    [Fact]
    public async Task A_search_that_lies_loses_the_lies_only()
    {
        var before = (await EndOf(_provider.ListOffersAsync(Ct))).Offers;
        Quirks.SearchLies = true;

        var listing = await EndOf(_provider.ListOffersAsync(Ct));

        Assert.Equal(before.Select(offer => offer.OfferId), listing.Offers.Select(offer => offer.OfferId));
        Assert.Equal(["duplicate_id", "price", "unknown_gpu", "unreadable"], listing.Skipped.Keys);
        Assert.Equal(2, listing.Skipped["price"]);
    }

    [Theory]
    [InlineData(nameof(VastQuirks.AskIsGone), RejectionKind.OutOfStock, "no_such_ask")]
    [InlineData(nameof(VastQuirks.NoCredit), RejectionKind.Quota, "lacks credit")]
    [InlineData(nameof(VastQuirks.RefusalThatMadeAnInstance), RejectionKind.OutOfStock, "bid is too low")]
    public async Task A_refusal_keeps_the_vendors_words_and_leaves_nothing(
        string quirk,
        RejectionKind kind,
        string words
    )
    {
        typeof(VastQuirks).GetProperty(quirk)!.SetValue(Quirks, true);

        var outcome = await EndOf(_provider.AllocateAsync(VastWorld.Request(Key), Ct));

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.Contains(words, outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(_world.Cloud.Instances);
    }

    [Theory]
    [InlineData(nameof(VastQuirks.ErrorThatMadeAnInstance))]
    [InlineData(nameof(VastQuirks.CreateHangs))]
    public async Task An_instance_that_was_made_without_an_answer_is_found_in_a_list_that_lags(string quirk)
    {
        typeof(VastQuirks).GetProperty(quirk)!.SetValue(Quirks, true);
        Quirks.ListLagSeconds = 20;

        var outcome = await EndOf(_provider.AllocateAsync(VastWorld.Request(Key), Ct));

        Assert.Equal("700001", outcome.Allocation?.ProviderAllocationId);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Theory]
    [InlineData(nameof(VastQuirks.OutbidWhileLoading), AllocationStatus.Preempted)]
    [InlineData(nameof(VastQuirks.IsOffline), AllocationStatus.Unhealthy)]
    [InlineData(nameof(VastQuirks.ContainerFails), AllocationStatus.Exited)]
    [InlineData(nameof(VastQuirks.PortNeverAnswers), AllocationStatus.Booting)]
    public async Task States_are_what_the_fields_together_say(string quirk, AllocationStatus status)
    {
        typeof(VastQuirks).GetProperty(quirk)!.SetValue(Quirks, true);
        var request = VastWorld.Request(Key, offerId: "bid/1003/250000");
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(20));

        var seen = await EndOf(_provider.FindAsync(request.Key, Ct));

        Assert.Equal(status, seen?.Status);
        Assert.Equal(
            status == AllocationStatus.Exited,
            seen!.Exit?.ProviderReason?.Contains("OCI runtime create failed", StringComparison.Ordinal) == true
        );
    }

    [Fact]
    public async Task A_failed_pull_is_read_from_the_daemons_log()
    {
        Quirks.ImagePullFails = true;
        var request = VastWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(61));

        var ended = await EndOf(_provider.FindAsync(request.Key, Ct));

        Assert.Equal(FailureCode.ImagePullFailed, ExitDiagnosis.Diagnose(ended!.Exit!, wasServing: false));
        Assert.Contains("manifest unknown", ended.Exit!.OutputTail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_is_fetched_when_it_was_uploaded_and_without_the_API_key()
    {
        var request = VastWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(20));

        var output = await EndOf(_provider.ReadOutputAsync(request.Key, Ct));

        Assert.EndsWith("INFO Application startup complete.\n", output, StringComparison.Ordinal);
        Assert.True(_world.Vendor.Calls.Count(call => call.StartsWith("GET /logs/", StringComparison.Ordinal)) > 1);
    }

    [Fact]
    public async Task A_plain_429_is_waited_out_and_no_second_instance_is_made()
    {
        Quirks.TooManyRequests = 2;

        var outcome = await EndOf(_provider.AllocateAsync(VastWorld.Request(Key), Ct));

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Fact]
    public async Task Calls_keep_the_documented_spaces()
    {
        Quirks.MeasuresSpacing = true;
        string[] keys = ["i-a-r1-a1", "i-b-r1-a1", "i-c-r1-a1", "i-d-r1-a1"];

        var outcomes = await EndOf(
            Task.WhenAll(keys.Select(key => _provider.AllocateAsync(VastWorld.Request(key), Ct)))
        );
        await EndOf(Task.WhenAll(outcomes.Select(made => _provider.ReleaseAsync(made.Allocation!.Key, Ct))));

        Assert.Equal(0, _world.Cloud.TooEarly);
    }

    [Fact]
    public async Task The_list_is_read_to_its_last_page_and_instances_without_a_label_are_left_alone()
    {
        for (var foreign = 0; foreign < 60; foreign++)
        {
            _world.Cloud.AddForeign();
        }

        await EndOf(_provider.AllocateAsync(VastWorld.Request(Key), Ct));
        _clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(Key, Assert.Single(await EndOf(_provider.ListAllocationsAsync(VastWorld.Cluster, Ct))).Key.Value);
        Assert.Contains("GET /api/v1/instances/?limit=25&after_token=700025", _world.Vendor.Calls);
        Assert.Contains("GET /api/v1/instances/?limit=25&after_token=700050", _world.Vendor.Calls);
    }

    [Fact]
    public async Task A_slow_destroy_is_pending_until_the_instance_is_gone()
    {
        Quirks.DestroySeconds = 90;
        var request = VastWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));

        Assert.Equal(ReleaseOutcome.Pending, await EndOf(_provider.ReleaseAsync(request.Key, Ct)));
        _clock.Advance(TimeSpan.FromSeconds(91));

        Assert.Equal(ReleaseOutcome.Released, await EndOf(_provider.ReleaseAsync(request.Key, Ct)));
    }

    [Fact]
    public async Task A_refused_key_is_a_rejection_with_its_reason_and_a_new_one_cures_it()
    {
        _world.SetKey("wrong");
        var refused = await EndOf(_provider.AllocateAsync(VastWorld.Request(Key), Ct));
        _world.SetKey(_world.Cloud.ApiKey);

        Assert.Equal(RejectionKind.Credentials, refused.Rejection?.Kind);
        Assert.Contains("Invalid user key", refused.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.True((await EndOf(_provider.AllocateAsync(VastWorld.Request("i-two-r1-a1"), Ct))).IsAllocated);
    }

    [Fact]
    public async Task Arguments_over_the_vendors_limit_are_refused_before_a_call()
    {
        var request = VastWorld.Request(Key);
        request = request with { Runtime = request.Runtime with { ExtraArguments = [new string('x', 4096)] } };

        var outcome = await EndOf(_provider.AllocateAsync(request, Ct));

        Assert.Equal(RejectionKind.InvalidRequest, outcome.Rejection?.Kind);
        Assert.Empty(_world.Vendor.Calls);
    }

    private static (string, int, string, CapacityTier, bool, int) ShapeOf(Offer offer) =>
        (offer.GpuType, offer.GpuCount, offer.Region, offer.Tier, offer.Spot, offer.Available);

    private async Task<T> EndOf<T>(Task<T> task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 20_000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            if (_world.Vendor.IsQuiet)
            {
                _clock.Advance(TimeSpan.FromMilliseconds(i < 50 ? 100 : 500));
            }
        }

        return await task;
    }

    private static string WithoutArguments(string call) =>
        System
            .Text.RegularExpressions.Regex.Replace(call, "\"args\":\\[.*?\\],", "\"args\":[…],")
            .Replace(RuntimePresets.Vllm.Image!, "…", StringComparison.Ordinal);
}
