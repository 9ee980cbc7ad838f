using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Shadeform;
using Scheduler.VendorServers.Shadeform;
using Xunit;

namespace Scheduler.ProviderTests.Shadeform;

/// <summary>What is sent to Shadeform, and how its quirks end.</summary>
public sealed class ShadeformProviderTests : IDisposable
{
    private const string Key = "i-one-r1-a1";

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 12, 0, 0, TimeSpan.Zero));
    private readonly ShadeformWorld _world;
    private readonly ShadeformProvider _provider;

    public ShadeformProviderTests()
    {
        _world = new ShadeformWorld(_clock);
        _world.Options.CreateTimeout = TimeSpan.FromSeconds(20);
        _world.Options.Settle = TimeSpan.FromSeconds(30);
        _provider = _world.Open();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ShadeformQuirks Quirks => _world.Cloud.Quirks;

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task The_requests_of_a_life_are_pinned()
    {
        _world.Options.AutoDeleteAfter = TimeSpan.FromHours(36);
        var request = ShadeformWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(2));
        await EndOf(_provider.FindAsync(request.Key, Ct));
        await EndOf(_provider.ReleaseAsync(request.Key, Ct));

        Assert.Equal(
            [
                "GET /v1/instances",
                """POST /v1/instances/create {"cloud":"vultr","region":"us-east-1","shade_instance_type":"RTX4090x1","shade_cloud":true,"name":"gs1.cluster-a.i-one-r1-a1","launch_configuration":{"type":"docker","docker_configuration":{"image":"…","args":"…","shared_memory_in_gb":20,"envs":[{"name":"VLLM_API_KEY","value":"rk-secret"}],"port_mappings":[{"host_port":8000,"container_port":8000}]}},"auto_delete":{"date_threshold":"2026-12-02T00:…"}}""",
                "GET /v1/instances",
                "POST /v1/instances/d290f1ee-0000-4b01-90e6-000000000001/delete",
                "GET /v1/instances",
            ],
            _world.Vendor.Calls.Select(WithoutArguments)
        );
    }

    [Fact]
    public async Task Offers_have_true_prices_and_a_place_for_each_cloud_and_region()
    {
        var listing = await EndOf(_provider.ListOffersAsync(Ct));

        Assert.Equal(
            [
                "hyperstack/canada-1/H100x2 H100-80GB-PCIe",
                "hyperstack/norway-1/H100x2 H100-80GB-PCIe",
                "massedcompute/us-central-2/A100_80Gx1 A100-80GB-PCIe",
                "nebius/eu-north-1/H100_sxm5x8 H100-80GB-SXM",
                "vultr/us-east-1/RTX4090x1 RTX4090",
            ],
            listing.Offers.Select(offer => $"{offer.OfferId} {offer.GpuType}")
        );
        var h100 = listing.Offers[0];
        Assert.Equal(("canada-1@hyperstack", 2, false, 1), (h100.Region, h100.GpuCount, h100.Spot, h100.Available));
        Assert.Equal(MicroEuro.CeilingFromEuros(3.80m * 0.92m), h100.PricePerHour);
        Assert.Equal(new QuotedPrice("USD", 3_800_000), h100.Quoted);
        Assert.Equal(new Dictionary<string, int> { ["unknown_gpu"] = 1 }, listing.Skipped);
    }

    [Fact]
    public async Task Types_that_lie_lose_the_lies_only_and_clouds_narrow_the_list()
    {
        var before = (await EndOf(_provider.ListOffersAsync(Ct))).Offers;
        Quirks.TypesLie = true;

        var listing = await EndOf(_provider.ListOffersAsync(Ct));
        _world.Options.Clouds = ["vultr"];
        var narrow = await EndOf(_provider.ListOffersAsync(Ct));

        Assert.Equal(before.Select(offer => offer.OfferId), listing.Offers.Select(offer => offer.OfferId));
        Assert.Equal(["duplicate_id", "price", "unknown_gpu", "unreadable"], listing.Skipped.Keys);
        Assert.Equal("vultr/us-east-1/RTX4090x1", Assert.Single(narrow.Offers).OfferId);
    }

    [Theory]
    [InlineData(nameof(ShadeformQuirks.NoStock), RejectionKind.OutOfStock, "out of stock")]
    [InlineData(nameof(ShadeformQuirks.NoCredit), RejectionKind.Quota, "Your balance is too low")]
    public async Task A_refusal_keeps_the_vendors_words(string quirk, RejectionKind kind, string words)
    {
        typeof(ShadeformQuirks).GetProperty(quirk)!.SetValue(Quirks, true);

        var outcome = await EndOf(_provider.AllocateAsync(ShadeformWorld.Request(Key), Ct));

        Assert.Equal(kind, outcome.Rejection?.Kind);
        Assert.Contains(words, outcome.Rejection!.ProviderWords, StringComparison.Ordinal);
        Assert.Empty(_world.Cloud.Machines);
    }

    [Fact]
    public async Task A_type_that_does_not_exist_is_an_invalid_request()
    {
        var request = ShadeformWorld.Request(Key, offerId: "vultr/moon-1/RTX4090x1");

        var outcome = await EndOf(_provider.AllocateAsync(request, Ct));

        Assert.Equal(
            new Rejection(RejectionKind.InvalidRequest, "no instance type vultr/moon-1/RTX4090x1"),
            outcome.Rejection
        );
    }

    [Theory]
    [InlineData(nameof(ShadeformQuirks.ErrorThatMadeAMachine))]
    [InlineData(nameof(ShadeformQuirks.CreateHangs))]
    public async Task A_machine_that_was_made_without_an_answer_is_found_in_a_list_that_lags(string quirk)
    {
        typeof(ShadeformQuirks).GetProperty(quirk)!.SetValue(Quirks, true);
        Quirks.ListLagSeconds = 20;

        var outcome = await EndOf(_provider.AllocateAsync(ShadeformWorld.Request(Key), Ct));

        Assert.Equal("d290f1ee-0000-4b01-90e6-000000000001", outcome.Allocation?.ProviderAllocationId);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Fact]
    public async Task A_machine_that_waits_for_its_cloud_is_booting_and_then_serves_on_the_clouds_port()
    {
        Quirks.PendingSeconds = 300;
        Quirks.OtherPort = 31_080;
        var request = ShadeformWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(AllocationStatus.Booting, (await EndOf(_provider.FindAsync(request.Key, Ct)))?.Status);
        _clock.Advance(TimeSpan.FromSeconds(200));

        var ready = await EndOf(_provider.FindAsync(request.Key, Ct));

        Assert.Equal(AllocationStatus.Ready, ready?.Status);
        Assert.EndsWith("/203.0.113.1/31080/", ready!.Endpoint!.AbsolutePath, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_the_cloud_could_not_make_has_ended_for_its_reason()
    {
        Quirks.MachineFails = true;
        var request = ShadeformWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromSeconds(20));

        var ended = await EndOf(_provider.FindAsync(request.Key, Ct));

        Assert.Equal(AllocationStatus.Exited, ended?.Status);
        Assert.Equal("the provider could not start the server", ended?.Exit?.ProviderReason);
    }

    [Fact]
    public async Task A_runtime_whose_end_cannot_be_seen_is_never_said_to_have_exited()
    {
        Quirks.PortNeverAnswers = true;
        var request = ShadeformWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(AllocationStatus.Booting, (await EndOf(_provider.FindAsync(request.Key, Ct)))?.Status);
    }

    [Fact]
    public async Task A_slow_delete_is_pending_until_the_machine_is_gone()
    {
        Quirks.DeleteSeconds = 90;
        var request = ShadeformWorld.Request(Key);
        await EndOf(_provider.AllocateAsync(request, Ct));

        Assert.Equal(ReleaseOutcome.Pending, await EndOf(_provider.ReleaseAsync(request.Key, Ct)));
        _clock.Advance(TimeSpan.FromSeconds(91));

        Assert.Equal(ReleaseOutcome.Released, await EndOf(_provider.ReleaseAsync(request.Key, Ct)));
    }

    [Fact]
    public async Task A_rate_limit_is_waited_out()
    {
        Quirks.TooManyRequests = 2;

        Assert.True((await EndOf(_provider.AllocateAsync(ShadeformWorld.Request(Key), Ct))).IsAllocated);
        Assert.Equal(1, _world.Cloud.Made);
    }

    [Fact]
    public async Task A_refused_key_is_a_rejection_with_its_reason_and_a_new_one_cures_it()
    {
        _world.SetKey("wrong");
        var refused = await EndOf(_provider.AllocateAsync(ShadeformWorld.Request(Key), Ct));
        _world.SetKey(_world.Cloud.ApiKey);

        Assert.Equal(RejectionKind.Credentials, refused.Rejection?.Kind);
        Assert.True((await EndOf(_provider.AllocateAsync(ShadeformWorld.Request("i-two-r1-a1"), Ct))).IsAllocated);
    }

    private async Task<T> EndOf<T>(Task<T> task)
    {
        for (var i = 0; !task.IsCompleted; i++)
        {
            Assert.True(i < 20_000, "It never ended.");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, Ct);
            _clock.Advance(TimeSpan.FromMilliseconds(i < 50 ? 100 : 500));
        }

        return await task;
    }

    private static string WithoutArguments(string call) =>
        System
            .Text.RegularExpressions.Regex.Replace(
                System.Text.RegularExpressions.Regex.Replace(
                    call,
                    "\"args\":\".*?\",\"shared",
                    "\"args\":\"…\",\"shared"
                ),
                "(\"2026-12-02T00:)[0-9:]*Z",
                "$1…"
            )
            .Replace(RuntimePresets.Vllm.Image!, "…", StringComparison.Ordinal);
}
